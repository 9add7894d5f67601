"""The simulator: it crashes, delays, repeats and reorders, and looks at the laws all the while."""

from orderwright.testing.simulation.exploring import Explored, Scene, explore
from orderwright.testing.simulation.law import Law, LawBroken
from orderwright.testing.simulation.laws import LAWS, Watch, check_laws, check_quiet
from orderwright.testing.simulation.restaurant import Restaurant
from orderwright.testing.simulation.retail import Retail
from orderwright.testing.simulation.simulator import FAULTS, Fault, Simulation, Worker
from orderwright.testing.simulation.sometimes import SOMETIMES
from orderwright.testing.simulation.steps import Begin, Call, Go, Happen, Late, Step
from orderwright.testing.simulation.storms import Scenario, Storm, Weather, replay, weather
from orderwright.testing.simulation.world import Stored, World

__all__ = [
    "FAULTS",
    "LAWS",
    "SOMETIMES",
    "Begin",
    "Call",
    "Explored",
    "Fault",
    "Go",
    "Happen",
    "Late",
    "Law",
    "LawBroken",
    "Restaurant",
    "Retail",
    "Scenario",
    "Scene",
    "Simulation",
    "Step",
    "Stored",
    "Storm",
    "Watch",
    "Weather",
    "Worker",
    "World",
    "check_laws",
    "check_quiet",
    "explore",
    "replay",
    "weather",
]
