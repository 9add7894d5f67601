"""The same sourcing problem for CP-SAT, the solver of OR-tools, on one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from bench.instances import Optimum

if TYPE_CHECKING:
    from bench.instances import Problem

__all__ = ["solved"]


def solved(  # noqa: C901 - a model is one list of constraints
    problem: Problem, *, seconds: float = 60
) -> Optimum | None:
    """Return the optimum; None if it is not proven in time. Goals weigh one above the other."""
    demand, supply, locations = problem
    model: Any = cp_model.CpModel()
    used = {where: model.new_bool_var(where) for where in locations}
    taken: dict[tuple[int, str], Any] = {}
    for number, one in enumerate(demand):
        whole = []
        for where, place in locations.items():
            there = min(one.quantity, supply.get((one.sku, where), 0))
            if not there or not one.requires <= place.offers:
                continue
            if one.together:  # each of a group of its own here: all from one place or nothing
                if there == one.quantity:
                    chosen = model.new_bool_var("")
                    whole.append(chosen)
                    taken[number, where] = chosen * one.quantity
                    model.add_implication(chosen, used[where])
                continue
            units = taken[number, where] = model.new_int_var(0, there, "")
            model.add(units <= there * used[where])
        if one.together:
            model.add_at_most_one(whole)
        else:
            parts = [units for (line, _), units in taken.items() if line == number]
            model.add(sum(parts) <= one.quantity)
    for (sku, where), there in supply.items():
        parts = [
            taken[n, where]
            for n, one in enumerate(demand)
            if one.sku == sku and (n, where) in taken
        ]
        if len(parts) > 1:
            model.add(sum(parts) <= there)
    for where, place in locations.items():
        if place.capacity is not None:
            parts = [units for (_, there), units in taken.items() if there == where]
            model.add(sum(parts) <= place.capacity)
    costs = sum(place.cost for place in locations.values()) + 1
    fewer = costs * (len(locations) + 1)
    served = sum(taken.values())
    spent = sum(used[where] * (costs + place.cost) for where, place in locations.items())
    model.maximize(served * fewer - spent)
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    chosen = [where for where, one in used.items() if solver.value(one)]
    units = sum(solver.value(one) for one in taken.values())
    wanted = sum(one.quantity for one in demand)
    return Optimum(wanted - units, len(chosen), sum(locations[where].cost for where in chosen))
