# ruff: noqa: E501 - a name is as long as what it names
"""Mutants that change nothing anybody could see, each with its reason."""

EQUIVALENT: dict[str, str] = {
    "steps.py freed: 0 => -1": (
        "Nothing too much is not less than nothing in the next line, as `surplus` is never below 0."
    ),
    "entries.py summed: 0 => 1 #4": (
        "Only what is below zero is looked at; that is as low with either."
    ),
    "editing.py added: zip(charges, charge_parts, strict=True) => zip(charges, charge_parts)": (
        "Both have one entry for each of the same lines, so there is never one too few."
    ),
    "totals.py work_out: zip(every, taxes, strict=True) => zip(every, taxes)": (
        "Both have one entry for each of the same lines, so there is never one too few."
    ),
    "totals.py _together: True => False": (
        "Both have one entry for each of the same lines, so there is never one too few."
    ),
    "ledger.py InventoryLedger.audit: True => False": (
        "Both are what the same method returns, so they are of one length."
    ),
    "ledger.py _known_first: 0 => 1": (
        "Compared among unknown times alone, where it is the same for all."
    ),
    "ledger.py _known_first: 0 => -1": (
        "Compared among unknown times alone, where it is the same for all."
    ),
    "ledger.py stock_of: lots => True": (
        "Of no lots, sorting makes the empty tuple as well; it is only saved."
    ),
    "ledger.py InventoryLedger._write: posting.named => True": (
        "Of postings that name nobody and no lot, nothing is noted; it is only saved."
    ),
    "ledger.py InventoryLedger._write: None => 0": (
        "A dictionary that serves as an ordered set: its values are never read."
    ),
    "ledger.py InventoryLedger._own: None => 0": (
        "A dictionary that serves as an ordered set: its values are never read."
    ),
    "ledger.py InventoryLedger._own: before != order_id => True": (
        "Owned anew by its owner it moves to the end of a set that is read sorted."
    ),
    "ledger.py InventoryLedger._note: None => 0": (
        "What is taken out is not looked at; the default only keeps `pop` from raising."
    ),
    "ledger.py InventoryLedger._note: '' => 'XX'": (
        "No order has that id: whatever has no owner is in no order's set."
    ),
    "ledger.py InventoryLedger._note: ..entry.lot and entry.terms is not None and (entry.terms.best_ => ..entry.terms is not None and entry.terms.best_before is not N": (
        "The date of units without a lot is kept and never read: stock looks at lots."
    ),
    "missing.py sold_out: one.sku == sku and one.location == location => one.sku == sku": (
        "A reservation's id names its fulfillment and line, and those are looked at below."
    ),
    "missing.py sold_out: one.sku == sku and one.location == location => one.sku == sku or one.location == location": (
        "A reservation's id names its fulfillment and line, and those are looked at below."
    ),
    "stocking.py _claim_posting: '' => 'XX'": (
        "A claim is at no location: `Posting.claim` does not take one over."
    ),
    "returning.py _expected: ..one.open and any((item.expected and item.line_id in units fo => ..any((item.expected and item.line_id in units for item in one": (
        "A return that is over expects nothing: what it announced was set to what came."
    ),
    "lifecycles.py Lifecycle._faults: sorted(every, key=str) => sorted(every)": (
        "States are pairs that begin with the name, so they sort by it either way."
    ),
    "lifecycles.py Lifecycle._faults: sorted(every - reached, key=str) => sorted(every - reached)": (
        "States are pairs that begin with the name, so they sort by it either way."
    ),
    "lifecycles.py Lifecycle._faults: sorted(exits & self.terminal, key=str) => sorted(exits & self.terminal)": (
        "States are pairs that begin with the name, so they sort by it either way."
    ),
    "lifecycles.py Lifecycle._faults: sorted(every - exits - self.terminal, key=str) => sorted(every - exits - self.terminal)": (
        "States are pairs that begin with the name, so they sort by it either way."
    ),
    "lifecycles.py Lifecycle._faults: sorted(self.terminal - every, key=str) => sorted(self.terminal - every)": (
        "States are pairs that begin with the name, so they sort by it either way."
    ),
    "money.py round_ratio: numerator >= 0 => numerator > 0": ("Of nothing both signs are nothing."),
    "money.py round_ratio: 0 => 1": ("Of nothing both signs are nothing."),
    "money.py Money.__attrs_post_init__: ..type(self.currency) is not str or self.currency not in CURRE => ..True": (
        "`exponent` refuses what is no currency and does nothing else; it is only saved."
    ),
    "money.py Money.split: self.minor < 0 => self.minor <= 0": (
        "The parts of nothing are nothing with either sign."
    ),
    "money.py Money.split: 0 => 1 #2": ("The parts of nothing are nothing with either sign."),
    "money.py shares: left => True": (
        "Of an order of remainders the first none are nobody; it is only saved."
    ),
    "money.py bounded: most[index] * whole >= left * weights[index] => most[index] * whole > left * weights[index]": (
        "A part whose bound is its share gets the same in both ways."
    ),
    "money.py bounded: ..s[i] for i in rest]), strict=True) => ..s[i] for i in rest]))": (
        "Both are as long as the rest."
    ),
    "money.py bounded: True => False": ("Both are as long as the rest."),
    "ledger.py InventoryLedger._lasts: 'expires_at' => 'expires_atXX'": (
        "What is no time was refused when the posting was made."
    ),
    "guard.py changes_of: now + lowest < 0 => True": (
        "Doubt only makes the guard look: what is refused is said by the limits."
    ),
    "guard.py changes_of: now + lowest < 0 => now + lowest <= 0": (
        "Doubt only makes the guard look: what is refused is said by the limits."
    ),
    "entries.py summed: False => True": (
        "Of postings that name nobody and no lot, nothing is noted; it is only saved."
    ),
    "entries.py summed: ..named or entry.lot != '' or entry.bucket not in _PLAIN or (e => ..True": (
        "What is checked holds of plain entries anyhow; not to check them is only saved."
    ),
    "postings.py _owner: '' => 'XX'": (
        "A posting of no reservations has no entries, and is refused for that."
    ),
    "processing.py _complete: ..any((one.state.phase is not Phase.DONE and (not one.astray)  => ..all((one.state.phase is not Phase.DONE and (not one.astray) ": (
        "With one of them still out, the order is neither delivered nor all of it astray."
    ),
    "processing.py _complete: all((one.astray for one in live)) => any((one.astray for one in live))": (
        "All are done or astray here, and of an order that is shipped none is done."
    ),
    "processing.py _use_bookings: one.kind == 'booking' and one.live => one.kind == 'booking'": (
        "Only those that wait are looked at, and what waits is live."
    ),
    "axes.py module: 'cancelled' => 'cancelledXX'": (
        "A name in a type, which nothing reads while it runs; type checks do."
    ),
    "bills.py split_bill: True => False": (
        "Both have one entry for each of the same lines, so there is never one too few."
    ),
    "totals.py _in_steps: zip(names, upto, strict=True) => zip(names, upto)": (
        "Both have one entry for each of the same lines, so there is never one too few."
    ),
    "stocking.py _can_reject: False => None": ("It is only asked whether it holds."),
    "paying.py _payment_by: payment => None": (
        "A movement that is known is looked for on every payment again, whichever this returns."
    ),
    "editing.py added: zip(parts_of, line_parts, strict=True) => zip(parts_of, line_parts)": (
        "What is worked out has one entry for each of the lines it was given."
    ),
    "stocking.py _set_free: ..urpose == 'reserve' or not (parts or not intent.fulfillments => ..urpose == 'reserve' and (not (parts or not intent.fulfillmen": (
        "What a posting takes out of reservations that are not of its own parts is left alone below."
    ),
    "events.py StockPosted: None => 0": "Whoever makes the event says it, and so does its document.",
    "events.py LabelReported: None => 0": "Whoever makes the event says it, and so does its document.",
    "money.py round_ratio: rounding not in _ROUNDINGS => True": (
        "A rounding that is one is looked at and let through; it is only saved."
    ),
    "entries.py summed: '' => 'XX' #4": (
        "What is checked holds of plain entries anyhow; not to check them is only saved."
    ),
    "postings.py Posting.rehold: '' => 'XX'": (
        "A posting of no pairs has no entries, and is refused for that."
    ),
}
