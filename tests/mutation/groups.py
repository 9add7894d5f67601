"""What is mutated, and whose tests are run against it."""

from pathlib import Path

from tests.mutation.running import ROOT, SOURCE

INVENTORY = ("ledger", "guard", "entries", "postings", "claims")
GROUPS: dict[str, tuple[Path, ...]] = {
    "money": (SOURCE / "money.py",),
    "lifecycles": (SOURCE / "lifecycles.py",),
    "ledger": tuple(SOURCE / "inventory" / f"{name}.py" for name in INVENTORY),
    "orders": tuple(sorted((SOURCE / "orders").glob("*.py"))),
}
# Adapters, reports and programs see the core only from afar, and take their time.
FOLDERS = ("orders", "inventory", "flows", "payments", "fulfillment")
AWAY = ("test_postgres.py", "test_optima.py")


def test_files() -> list[str]:
    """The files whose tests are run against mutants, as pytest names them."""
    tests = ROOT / "tests"
    found = [path for name in FOLDERS for path in (tests / name).glob("test_*.py")]
    found += (*tests.glob("test_*.py"), tests / "adapters" / "test_memory.py")
    return sorted(str(path.relative_to(ROOT)) for path in found if path.name not in AWAY)
