"""A busy Friday at a restaurant with a shop, lived through to a minute in the middle of it.

`live_through(until)` plays it: guests at tables eat in courses, others collect, couriers ride, and
parcels of the shop are on their way since Tuesday. Nothing is drawn by lot: who comes when follows
from plain arithmetic, and what the kitchen does from its own board, minute by minute. So it is late
where it has too much to do, and a later `until` tells how that went on.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count

from orderwright import (
    AddLine,
    ChangeLine,
    Charge,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    OutOfStock,
    PaymentRequest,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import Behaviour, MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.fulfillment.fulfillment import ScanStatus
from orderwright.lifecycles import Phase
from orderwright.orders.menu import Dish, Menu
from orderwright.orders.modifiers import Modifier
from orderwright.orders.tabs import course_of
from orderwright.ports import OrderQuery
from orderwright.tracking.board import KitchenBoard, KitchenTicket

OPENS = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
"""Half past five by the clock on the wall."""

Story = Callable[[], object]


def minutes(many: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=many)


# The house -----------------------------------------------------------------------------------

CARD = {
    "BURRATA": ("Burrata with figs", "11.50", "cold", 1, 5),
    "SOUP": ("Onion soup", "8.50", "cold", 1, 6),
    "STEAK": ("Rib-eye", "31.00", "grill", 2, 14),
    "BASS": ("Sea bass", "27.50", "grill", 2, 12),
    "LAMB": ("Lamb chops", "29.00", "grill", 2, 13),
    "BUFALA": ("Pizza bufala", "14.00", "oven", 2, 8),
    "FUNGHI": ("Pizza funghi", "13.00", "oven", 2, 8),
    "LASAGNE": ("Lasagne", "15.50", "oven", 2, 11),
    "TART": ("Lemon tart", "7.50", "cold", 3, 4),
    "MOUSSE": ("Chocolate mousse", "7.90", "cold", 3, 3),
    "WINE": ("Glass of red", "6.20", "bar", 0, 2),
    "SPRITZ": ("Bergamot spritz", "8.80", "bar", 0, 4),
}
GOODS = {
    "OIL": ("Olive oil, half a litre", "18.00"),
    "VINEGAR": ("Fig vinegar", "12.50"),
    "SALT": ("Smoked salt", "6.90"),
    "APRON": ("Linen apron", "34.00"),
}
MEALS, WARES = (TaxLine(name="VAT", percent=percent, included=True) for percent in ("7", "19"))
MENU = Menu(
    [
        Dish(
            sku=sku,
            name=name,
            price=UnitPrice.of(price, "EUR"),
            requires=[station],
            course=course,
            preparation=minutes(takes),
            taxes=[MEALS],
            substitutes=["LAMB", "STEAK"] if sku == "BASS" else [],
        )
        for sku, (name, price, station, course, takes) in CARD.items()
    ]
)
AT_ONCE = {"GRILL": 5, "OVEN": 7, "COLD": 6, "BAR": 6}
"""How many dishes a station has in its hands at a time."""
WISHES = {
    "STEAK": Modifier("medium rare"),
    "BUFALA": Modifier("extra cheese", UnitPrice.of("1.80", "EUR")),
    "SOUP": Modifier("no croutons"),
}
NAMES = "Ada Ben Cleo Dan Eve Finn Gus Hana Ivo Jo Kaya Luc Mia Noor Oskar Pia Quinn Rosa".split()
WAITERS = ("Kim", "Lou", "Sam")
TAB = Policy(tab=True, capture="on_confirmation")
TO_GO = Policy(capture="on_confirmation")
MAIL_ORDER = Policy(short="backorder", unpaid_ttl=timedelta(hours=3))


def provider(request: PaymentRequest) -> Behaviour:
    """Decide as the payment provider would: here, by what is written on the card."""
    return "decline" if request.instrument.endswith("empty") else "approve"


class House:
    """The desk, its books, the board above the stove, and a diary of what is to happen when."""

    def __init__(self, opens: datetime) -> None:
        self.now = opens
        self.board = KitchenBoard(at_once=AT_ONCE)
        self.inventory = MemoryInventory()
        self.orders = MemoryOrders()
        kitchen = [Location(id=one, offers=[one.lower()], makes="ticket") for one in AT_ONCE]
        self.desk = OrderDesk(
            orders=self.orders,
            inventory=self.inventory,
            payments=MemoryPayments(provider),
            locations=[*kitchen, Location(id="PANTRY", offers=["shelf"])],
            clock=lambda: self.now,
        )
        self.sold_out: list[str] = []
        self._diary: list[tuple[datetime, int, Story]] = []
        self._number = count()

    def at(self, when: datetime, story: Story) -> None:
        """Note what is to happen at a time; the earliest comes first."""
        heappush(self._diary, (when, next(self._number), story))

    def soon(self, after: int, story: Story) -> None:
        """Note what is to happen so many minutes from now."""
        self.at(self.now + minutes(after), story)

    def live(self, until: datetime) -> None:
        """Live through what the diary has, in its order; a kitchen that is open works meanwhile."""
        while self._diary and self._diary[0][0] <= until:
            self.now, _, story = heappop(self._diary)
            story()
        self.now = until

    def did(self, order: Order) -> Order:
        """Let the kitchen see what became of an order."""
        self.board.show(order)
        return order

    def advance(self, ticket: KitchenTicket, step: str) -> None:
        """Take a step with a ticket."""
        self.did(self.desk.advance(ticket.order_id, ticket.fulfillment_id, step))

    def everything(self) -> tuple[Order, ...]:
        """All orders there are, as they stand, by their ids."""
        names = self.orders.find(OrderQuery(), limit=1_000)
        return tuple(self.desk.order(name) for name in names)


# The kitchen ---------------------------------------------------------------------------------


def work(house: House) -> None:
    """A minute in the kitchen: dishes get ready, hands take what is next, plates go out."""
    for ticket in house.board.tickets(house.now):
        if ticket.stage == "cook" and ticket.begun and ticket.since is not None:
            if house.now >= ticket.since + cooking_time(ticket):
                house.advance(ticket, "ready")
        elif ticket.stage == "waiting" and ticket.begin_at is not None:
            # What is promised to somebody outside is called in time, a courier's ride included.
            ride = 16 if ticket.service == "delivery" else 0
            if house.now >= ticket.begin_at - minutes(ride + 2):
                call_course(house, ticket.order_id, ticket.course)
    for station in AT_ONCE:
        take_up(house, station)
    for order_id in dict.fromkeys(one.order_id for one in house.board.tickets(house.now)):
        carry_out(house, house.desk.order(order_id))
    house.soon(1, lambda: work(house))


def cooking_time(ticket: KitchenTicket) -> timedelta:
    """What it takes: mostly a bit less than the recipe says, now and then more."""
    slip = (-2, -1, -1, 0, -1, -2, 1)[sum(map(ord, ticket.order_id + ticket.fulfillment_id)) % 7]
    return max(one.preparation for one in ticket.plates) + minutes(slip)


def take_up(house: House, station: str) -> None:
    """Whoever has a hand free begins with what the board says."""
    busy = sum(
        one.units
        for one in house.board.tickets(house.now, station=station)
        if one.stage == "cook" and one.begun
    )
    while (ticket := house.board.next_up(house.now, station=station)) is not None:
        if busy and busy + ticket.units > AT_ONCE[station]:
            return
        busy += ticket.units
        house.advance(ticket, "prepare")


def call_course(house: House, order_id: str, course: int) -> None:
    """Have a course made, if its guests still want it and it was not called yet."""
    order = house.desk.order(order_id)
    if order.state.phase is Phase.WORKING and any(
        one.state.phase is Phase.WAITING and course_of(order, one) == course
        for one in order.fulfillments
    ):
        house.did(house.desk.fire(order_id, course, by=waiter_of(order)))


def waiter_of(order: Order) -> str:
    """Who looks after a table; nobody does after what is eaten elsewhere."""
    return WAITERS[int(order.table) % len(WAITERS)] if order.table else ""


def carry_out(house: House, order: Order) -> None:
    """Serve what is ready of a course, together; hand over or send out what is all ready."""
    at_work = [one for one in order.fulfillments if one.state.phase is Phase.WORKING]
    waits = any(one.state.phase is Phase.WAITING for one in order.fulfillments)
    if order.table:
        for course in sorted({course_of(order, one) for one in at_work}):
            mine = [one for one in at_work if course_of(order, one) == course]
            if all(one.state.name == "ready" for one in mine):
                for one in mine:
                    order = house.did(house.desk.advance(order.id, one.id, "serve"))
                served(house, order, course)
        return
    if waits or not at_work or any(one.state.name != "ready" for one in at_work):
        return
    if order.service == "takeaway":
        collect(house, order)
    else:
        ride_out(house, order)


# Guests at tables ----------------------------------------------------------------------------


def dishes(wanted: Sequence[str], wish: int = 1) -> list[DraftLine]:
    """Lines of the menu, the same dishes together; now and then with a wish."""
    return [
        MENU[sku].line(
            wanted.count(sku), modifiers=[WISHES[sku]] if sku in WISHES and wish % 3 == 0 else ()
        )
        for sku in dict.fromkeys(wanted)
    ]


def ordered(
    house: House, lines: list[DraftLine], place: Callable[[list[DraftLine]], Order]
) -> None:
    """Place an order; who wants what is sold out takes what the menu has instead of it."""
    try:
        house.did(place(lines))
    except OutOfStock as refusal:
        stocks = house.inventory.supply(list(CARD), now=house.now)
        instead = {one.sku: MENU.instead_of(one.sku, stocks) for one in refusal.shortages}
        lines = [
            instead[one.sku][0].line(one.quantity) if one.sku in instead else one for one in lines
        ]
        house.did(place(lines))


def sit_down(house: House, number: int) -> None:
    """A party of two to four orders drinks, mostly starters, and mains."""
    party = 2 + number % 3
    mains = ("STEAK", "BUFALA", "LASAGNE", "BASS", "FUNGHI", "BUFALA", "LAMB", "BASS")
    wanted = [("WINE", "SPRITZ")[(number + guest) % 2] for guest in range(party)]
    if number % 4 != 3:
        wanted += [("BURRATA", "SOUP")[(number + guest) % 2] for guest in range(party)]
    wanted += [mains[(3 * number + guest) % len(mains)] for guest in range(party)]
    name, table = f"T{number + 1:02}", str(1 + number % 20)

    place = partial(
        house.desk.place,
        order_id=name,
        table=table,
        service="dine_in",
        channel="table",
        policy=TAB,
        by=WAITERS[int(table) % len(WAITERS)],
    )
    ordered(house, dishes(wanted, number), place)
    call_course(house, name, 0)
    call_course(house, name, 2 if number % 4 == 3 else 1)


def served(house: House, order: Order, course: int) -> None:
    """What follows when a course is on the table."""
    number = int(order.id[1:]) - 1
    if course == 1:
        house.soon(5 + number % 4, lambda: call_course(house, order.id, 2))
    elif course == 2 and any(one.ended == "remake" for one in order.fulfillments):
        pass  # dessert is on its way already
    elif course == 2:
        if number == 11:
            house.soon(3, lambda: send_back(house, order))
        house.soon(12 + number % 5, lambda: dessert(house, order.id, number))
    elif course == 3:
        house.soon(10 + number % 6, lambda: bill(house, order.id, number))


def send_back(house: House, order: Order) -> None:
    """A main is not as it was wanted. It is made again; the first one is a loss."""
    one = next(one for one in order.fulfillments if one.location == "GRILL")
    house.did(house.desk.advance(order.id, one.id, "remake", by=waiter_of(order)))
    house.desk.note(order.id, "the guest wanted it rare")
    call_course(house, order.id, 2)


def dessert(house: House, order_id: str, number: int) -> None:
    """Most have one; the others ask for the bill."""
    if number % 5 == 4:
        house.soon(4, lambda: bill(house, order_id, number))
        return
    sweets = [("TART", "MOUSSE")[(number + guest) % 2] for guest in range(1 + number % 3)]
    order = house.desk.order(order_id)
    house.did(house.desk.add_round(order_id, dishes(sweets), by=waiter_of(order)))
    call_course(house, order_id, 3)


def bill(house: House, order_id: str, number: int) -> None:
    """The tab is closed and paid, by card or in cash."""
    order = house.desk.close_tab(order_id, by=waiter_of(house.desk.order(order_id)))
    if number % 3 == 2:
        house.did(house.desk.record_payment(order_id, order.due, method="cash"))
    else:
        house.did(house.desk.pay(order_id, [Tender(method="card")]))


def sell_out(house: House) -> None:
    """The last sea bass is gone. Whose is queued is asked what they would like instead."""
    house.sold_out.append("BASS")
    waiting = house.desk.sell_out("BASS", "GRILL", notice_id="86-bass", queued=True)
    for after, name in enumerate(waiting):
        house.did(house.desk.order(name))
        house.soon(6 + 9 * after, partial(swap, house, name))


def swap(house: House, order_id: str) -> None:
    """They have the lamb, then."""
    order = house.desk.order(order_id)
    for line_id, counts in order.quantities().items():
        missing = counts.open + counts.backordered
        if missing:
            less = ChangeLine(line_id=line_id, quantity=counts.ordered - counts.cancelled - missing)
            lamb = AddLine(line=MENU["LAMB"].line(missing), replaces=line_id)
            house.desk.edit(order_id, [less, lamb], reason="sea bass sold out")
    order = house.did(house.desk.resolve(order_id, "stock_missing", resolution="lamb instead"))
    if any(one.started_at and course_of(order, one) == 2 for one in order.fulfillments):
        call_course(house, order_id, 2)


# Outside the house ---------------------------------------------------------------------------


def to_go(house: House, number: int, *, service: str) -> None:
    """Somebody calls, or taps at an app, and is told a time; a few think better of it."""
    delivery = service == "delivery"
    mains = ("BUFALA", "FUNGHI", "LASAGNE", "BUFALA", "SOUP")
    wanted = [mains[(2 * number + piece) % len(mains)] for piece in range(1 + number % 3)]
    wanted += ["TART"] * (number % 3 == 1)
    name, who = f"{'D' if delivery else 'C'}{number + 1:02}", NAMES[(5 * number) % len(NAMES)]
    empty = delivery and number == 16
    card = Tender(method="card", instrument=f"card of {who}{', empty' if empty else ''}")
    cash = Tender(method="cash", collected="afterwards")

    place = partial(
        house.desk.place,
        order_id=name,
        service=service,
        channel="app" if delivery else "phone",
        customer_id=who,
        charges=[Charge(kind="delivery", amount=Money.of("2.90", "EUR"))] if delivery else [],
        tenders=[card if delivery else cash],
        policy=TO_GO,
    )
    ordered(house, dishes(wanted, number), place)
    ready = house.board.quote(house.desk.order(name), house.now)
    earliest = house.now + minutes((45 if delivery else 25) + 5 * (number % 3))
    promised = max(ready + minutes(4 + 14 * delivery), earliest)
    promised += minutes(-promised.minute % 5)
    house.did(house.desk.promise(name, promised))
    if number == 7:
        house.soon(4, lambda: give_up(house, name, "ordered twice"))
    elif number == 12 and delivery:
        house.soon(6, lambda: give_up(house, name, "takes too long"))


def give_up(house: House, order_id: str, reason: str) -> None:
    """A customer does not want it any more; the money goes back by itself."""
    customer = house.desk.order(order_id).customer_id
    house.did(house.desk.cancel(order_id, reason=reason, by=customer))


def collect(house: House, order: Order) -> None:
    """Customers come a little before they were told to, or wait at the counter."""
    number = int(order.id[1:]) - 1
    comes = (order.promised_at or house.now) - minutes(number % 4)
    if house.now < comes or number == 13:  # that one forgot
        return
    for one in order.fulfillments:
        if one.state.phase is Phase.WORKING:
            house.did(house.desk.advance(order.id, one.id, "serve"))
    house.desk.record_payment(order.id, house.desk.order(order.id).due, method="cash")


def ride_out(house: House, order: Order) -> None:
    """A courier takes it, and is there some minutes later."""
    number = int(order.id[1:]) - 1
    courier = f"{('Mia', 'Tom', 'Zoe')[number % 3]}, bicycle"
    there = house.now + minutes(7 + (5 * number) % 9)
    parts = [one.id for one in order.fulfillments if one.state.phase is Phase.WORKING]
    for name in parts:
        house.did(
            house.desk.scan(order.id, name, "out_for_delivery", carrier=courier, expected_at=there)
        )
    found: ScanStatus = "not_delivered" if number == 9 else "delivered"
    for name in parts:
        house.at(there, partial(house.desk.scan, order.id, name, found))


# The shop ------------------------------------------------------------------------------------

PARCELS: tuple[tuple[int, int, dict[str, int], int], ...] = (
    # days before Friday, hour, basket, days until it is promised to be there
    (3, 9, {"OIL": 2, "SALT": 1}, 2),
    (3, 11, {"APRON": 1}, 2),
    (3, 15, {"VINEGAR": 2}, 3),
    (2, 10, {"OIL": 1, "VINEGAR": 1}, 2),
    (2, 13, {"SALT": 4}, 2),
    (2, 16, {"OIL": 3}, 2),
    (1, 9, {"APRON": 2, "SALT": 1}, 2),
    (1, 14, {"APRON": 6}, 4),
    (0, 8, {"OIL": 1}, 3),
    (0, 10, {"OIL": 2, "VINEGAR": 2}, 3),
    (0, 12, {"VINEGAR": 1, "SALT": 2}, 3),
    (0, 15, {"OIL": 4, "SALT": 2}, 3),
)


def mail_order(house: House, number: int) -> None:
    """Somebody orders from the pantry's shelves; the parcel leaves by five, and is scanned."""
    ago, _, basket, promised = PARCELS[number]
    name, who = f"S{number + 1:02}", NAMES[(3 * number + 1) % len(NAMES)]
    lines = [
        DraftLine(
            sku=sku,
            name=GOODS[sku][0],
            quantity=units,
            unit_price=UnitPrice.of(GOODS[sku][1], "EUR"),
            requires=["shelf"],
            taxes=[WARES],
        )
        for sku, units in basket.items()
    ]
    house.desk.place(
        lines,
        order_id=name,
        service="parcel",
        channel="web",
        customer_id=who,
        charges=[Charge(kind="shipping", amount=Money.of("4.90", "EUR"))],
        tenders=[Tender(method="card", instrument=f"card of {who}")],
        policy=MAIL_ORDER,
    )
    evening = house.now.replace(hour=18, minute=0)
    house.desk.promise(name, evening + timedelta(days=promised))
    if ago:
        house.at(house.now.replace(hour=15, minute=40 + number), lambda: pack(house, name, number))
    else:
        house.at(house.now + minutes(90), lambda: pick(house, name))


def pick(house: House, order_id: str) -> None:
    """What is on the shelf is taken from there."""
    for one in house.desk.order(order_id).fulfillments:
        house.desk.advance(order_id, one.id, "release", by="Ute")
        house.desk.advance(order_id, one.id, "pick", by="Ute")


def pack(house: House, order_id: str, number: int) -> None:
    """A parcel is packed and handed over; what the carrier says of it comes by itself."""
    pick(house, order_id)
    for one in house.desk.order(order_id).fulfillments:
        house.desk.advance(order_id, one.id, "pack", by="Ute")
        tracking = f"JD{77_000 + 37 * number}"
        house.desk.ship(order_id, one.id, carrier="DHL", tracking=tracking, by="Ute")
        scans(house, order_id, one.id, number)


def scans(house: House, order_id: str, name: str, number: int) -> None:
    """Leipzig, the town, the door; one parcel is lost, of one nobody hears, one is delayed."""
    desk, left = house.desk, house.now

    def seen(hours: int, status: ScanStatus, place: str = "", expected: int = 0) -> None:
        told = left + timedelta(hours=expected) if expected else None
        house.at(
            left + timedelta(hours=hours),
            partial(desk.scan, order_id, name, status, place=place, expected_at=told),
        )

    if number == 2:
        return
    seen(9, "in_transit", "Leipzig", 100 if number == 6 else 0)
    if number == 5:
        seen(47, "lost", "Leipzig")
    elif number not in {6, 7}:
        seen(40, "out_for_delivery", "Berlin")
        seen(44 + number, "delivered", "Berlin")
    if number == 1:
        house.at(left + timedelta(hours=64), lambda: came_back(house, order_id))
    if number == 0:
        house.at(left + timedelta(hours=66), lambda: broken(house, order_id))


def came_back(house: House, order_id: str) -> None:
    """An apron is too small: it goes back on the shelf, and the money goes back too."""
    house.desk.request_return(order_id, {"l1": 1}, reason="too small")
    house.desk.receive_return(order_id, {"l1": 1}, location="PANTRY", return_id="r1")
    house.desk.inspect_return(order_id, "r1", restock={"l1": 1}, by="Ute")


def broken(house: House, order_id: str) -> None:
    """A bottle arrived in pieces and is paid back."""
    house.desk.claim(order_id, {"l1": 1}, fault="damaged", remedy="refund", reason="bottle broken")


# The day -------------------------------------------------------------------------------------


def open_house(house: House) -> None:
    """What the house has goes on its books."""
    for station in AT_ONCE:
        offered = {
            sku: 34 if sku == "BASS" else 200
            for sku, (_, _, place, _, _) in CARD.items()
            if place == station.lower()
        }
        house.desk.post_stock(MENU.offer(f"menu-{station}", station, offered, at=house.now))
    for sku, units in (("OIL", 40), ("VINEGAR", 25), ("SALT", 60), ("APRON", 6)):
        name = f"delivery-{sku}"
        house.desk.post_stock(Posting.receive(name, sku, "PANTRY", units, at=house.now))


def come(
    house: House, number: int, story: Callable[[House, int], None], gaps: tuple[int, ...]
) -> None:
    """Have guest after guest come, the gaps between them in minutes over and over."""
    whole, rest = divmod(number, len(gaps))
    after = whole * sum(gaps) + sum(gaps[:rest])
    house.at(OPENS + minutes(after), lambda: story(house, number))


def live_through(until: datetime) -> House:
    """Return the house as it stands at ``until`` (aware), some time on that Friday evening."""
    house = House(OPENS - timedelta(days=4))
    open_house(house)
    for number, (ago, hour, _, _) in enumerate(PARCELS):
        ordered_at = OPENS.replace(hour=hour, minute=7 * number % 60) - timedelta(days=ago)
        house.at(ordered_at, partial(mail_order, house, number))
    for number in range(40):
        come(house, number, sit_down, (9, 6, 5, 4, 3, 4, 5))
    for number in range(30):
        come(house, number, partial(to_go, service="takeaway"), (7, 8, 9))
        come(house, number, partial(to_go, service="delivery"), (11, 7, 10))
    house.at(OPENS + minutes(146), lambda: sell_out(house))
    house.at(OPENS, lambda: work(house))
    house.at(OPENS + minutes(9), lambda: tidy(house))
    house.live(until)
    return house


def tidy(house: House) -> None:
    """Every ten minutes what is due by itself is done."""
    house.desk.resume()
    house.soon(10, lambda: tidy(house))
