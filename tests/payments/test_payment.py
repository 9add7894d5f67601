"""What a payment's operations add up to, in whatever states they are."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orderwright import Money, Payment, State
from orderwright.lifecycles import PAYMENT_OPERATION, Phase
from orderwright.payments.payment import PaymentOperation
from tests.worlds import eur

STATES = list(PAYMENT_OPERATION.states.values())
operations = st.lists(
    st.tuples(
        st.sampled_from(["authorize", "capture", "charge", "void", "refund"]),
        st.integers(1, 999),
        st.sampled_from(STATES),
    ),
    max_size=8,
)


def payment(*told: tuple[str, int, State]) -> Payment:
    """A payment of 10.00 with those operations."""
    made = Payment(id="p1", method="card", amount=eur(10))
    for kind, minor, state in told:
        operation = PaymentOperation(
            id=made.next_id("o1", kind),
            kind=kind,
            amount=Money(minor, "EUR"),
            state=state,
            reference="pay_1" if kind == "authorize" and state.phase is Phase.DONE else "",
        )
        made = Payment(
            id="p1", method="card", amount=eur(10), operations=(*made.operations, operation)
        )
    return made


@given(operations)
def test_every_amount_is_the_sum_of_its_operations(told: list[tuple[str, int, State]]) -> None:
    """Done counts as done, open as in flight, refused not at all."""
    one = payment(*told)
    done, coming = Counter[str](), Counter[str]()
    for kind, minor, state in told:
        if state.phase is not Phase.DROPPED:
            (done if state.phase is Phase.DONE else coming)[kind] += minor
    captured = done["capture"] + done["charge"]
    assert (done["authorize"], captured, done["void"], done["refund"]) == tuple(
        money.minor for money in (one.authorized, one.captured, one.voided, one.refunded)
    )
    assert max(0, captured - done["refund"] - coming["refund"]) == one.refundable.minor
    assert one.refundable.minor == one.sums.returnable
    assert coming["authorize"] + coming["charge"] == one.sums.authorizing
    taken = sum(some[kind] for some in (done, coming) for kind in ("capture", "void"))
    assert max(0, done["authorize"] - taken) == one.open_authorization.minor
    first = [state for kind, _, state in told if kind in ("authorize", "charge")][:1]
    assert one.sums.refused == any(state.phase is Phase.DROPPED for state in first)
    open_phases = (Phase.WAITING, Phase.WORKING)
    assert any(state.phase in open_phases for _, _, state in told) == one.in_flight


@given(operations)
def test_ids_are_derived_and_never_repeat(told: list[tuple[str, int, State]]) -> None:
    """The next operation's id depends on what is there, and on nothing else."""
    one = payment(*told)
    ids = [operation.id for operation in one.operations]
    assert len(ids) == len(set(ids))
    for kind in ("authorize", "capture", "charge", "void", "refund"):
        assert one.next_id("o1", kind) == payment(*told).next_id("o1", kind)
        assert one.next_id("o1", kind) not in ids
    for operation in one.operations:
        assert operation is one.operation(operation.id)
    assert one.operation("o1/p1/other-1") is None


def test_a_payment_that_nobody_asked_for_is_unasked() -> None:
    """Only an amount that was never sent anywhere is; nothing to pay is not."""
    assert payment().unasked
    assert not payment(("authorize", 5, STATES[0])).unasked
    assert not Payment(id="p1", method="card", amount=eur(0)).unasked


def test_the_reference_is_the_providers_id_of_the_authorization() -> None:
    """Empty until there is one."""
    succeeded = next(one for one in STATES if one.phase is Phase.DONE)
    assert "" == payment(("authorize", 5, STATES[0])).reference
    assert "pay_1" == payment(("authorize", 5, STATES[0]), ("authorize", 5, succeeded)).reference
