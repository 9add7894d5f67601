"""How the kit judges a broken adapter: which clauses it says are broken."""

from hypothesis import HealthCheck, Phase, settings

from orderwright.testing import ClauseBroken
from orderwright.testing.contract import Contract, outcomes

# Few and always the same examples, as most mutants are caught before the machine runs.
BRIEF = settings(
    max_examples=4,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
LONG = settings(BRIEF, max_examples=500, stateful_step_count=30)


def judged(contract: type[Contract], machine: settings = BRIEF) -> dict[str, str]:
    """Each clause that a contract finds broken, with what it says about it first."""
    contract.machine_settings = machine
    contract.patience = 3.0  # a busy machine takes its time
    found: dict[str, str] = {}
    for outcome in outcomes(contract):
        if isinstance(outcome, ClauseBroken):
            found.setdefault(outcome.clause, outcome.happened)
    return found
