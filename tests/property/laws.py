"""The laws of merging, as plain functions: `test_laws` holds the code to them, `test_mutants` shows they can fail."""

from itertools import permutations

from chasm_git.session import codec, merge
from chasm_git.session.body import extends
from chasm_git.session.join import State


def merged(base, ours, theirs):
    return merge.merge(base, ours, theirs).data


def absorbed(base, archived, fresh):
    return merge.absorb(base, archived, fresh).data


def states(data):
    """The state of every message that is no tombstone, by id."""
    return {message.id: State.of(message) for message in codec.loads(data).messages if not message.deleted}


def tombstones(data):
    return {message.id for message in codec.loads(data).messages if message.deleted}


def ids(data):
    return {message.id for message in codec.loads(data).messages}


def words(data):
    """The words of every shown body, by id."""
    return {identity: state.keys() for identity, state in states(data).items()}


def waiting(data):
    """How many decisions a file waits for."""
    session = codec.loads(data)
    losers = session.extra.get("alternatives", {})
    return sum(len(message.variants) for message in session.messages) + sum(map(len, losers.values()))


def is_held(body, state):
    """Whether nothing a body says is missing."""
    return any(extends(other.message, body.message) for other in state.bodies)


# --- merging ----------------------------------------------------------------------------------------------------------


def commutative(case):
    base, ours, theirs, *_ = case
    one, other = merge.merge(base, ours, theirs), merge.merge(base, theirs, ours)
    assert one.data == other.data
    assert one.conflicts == other.conflicts


def canonical(case):
    base, ours, theirs, *_ = case
    assert codec.is_canonical(merged(base, ours, theirs))


def idempotent(case):
    _, ours, theirs, *_ = case
    once = merged(None, ours, theirs)
    for base in (None, b"", ours, theirs):
        for side in (once, ours, theirs):
            if base != once:
                assert merged(base if side == once else None, once, side) == once
    assert merged(None, ours, ours) == ours


def associative(case):
    _, *sides = case
    assert len({merged(None, merged(None, a, b), c) for a, b, c in permutations(sides)}) == 1


def associative_with_base(case):
    base, *sides = case
    results = {merged(base, merged(base, a, b), c) for a, b, c in permutations(sides)}
    assert len(results) == 1


def lossless(case):
    """Every body of either side is shown, extended, or kept; or it was the base's, and replaced."""
    base, ours, theirs, *_ = case
    data = merged(base, ours, theirs)
    held, gone, known = states(data), tombstones(data), states(base) if base else {}
    if base in (ours, theirs):
        assert data in (ours, theirs)  # nothing to merge: git does not even ask
        return
    assert ids(data) == ids(ours) | ids(theirs)
    assert gone <= tombstones(ours) | tombstones(theirs) | (tombstones(base) if base else set())
    for side, other in ((ours, theirs), (theirs, ours)):
        others = states(other)
        for identity, state in states(side).items():
            if identity in gone:
                continue
            for body in state.bodies:
                replaced_there = (
                    identity in known
                    and any(extends(old.message, body.message) for old in known[identity].bodies)
                    and identity in others
                    and not is_held(body, others[identity])
                )
                assert replaced_there or is_held(body, held[identity])


def header_lossless(case):
    """What people gave, and what nobody knows the meaning of, is shown or waits, unless one side took it away."""
    base, ours, theirs, *_ = case
    made, known = codec.loads(merged(base, ours, theirs)), codec.loads(base) if base else None
    for side in map(codec.loads, (ours, theirs)):
        assert set(side.tags) <= set(made.tags) | set(known.tags if known else ())
        for name in ("title", "workspace", "zoom"):
            for value in values(side, name):
                beaten = name == "title" and made.extra.get("title_by") == "user" and "title_by" not in side.extra
                assert value in values(made, name) or (known and value in values(known, name)) or beaten
        gone = notes(known) if known else []
        for note in notes(side):
            assert any(text.startswith(note) for text in (*notes(made), *gone))


def values(session, name):
    """What a session has for a header key: shown, waiting, and decided against."""
    shown = session.extra.get(name) if name == "zoom" else getattr(session, name)
    waits = session.extra.get("alternatives", {}).get(name, ())
    return [*([] if shown is None else [shown]), *waits, *(entry["value"] for entry in decided_against(session, name))]


def decided_against(session, name):
    return [entry for entry in session.extra.get("decided", {}).get(name, ()) if entry.get("over")]


def decisions_hold(case):
    """What somebody decided against is not shown again, as long as there is something else."""
    base, ours, theirs, *_ = case
    if base in (ours, theirs):
        return
    made = codec.loads(merged(base, ours, theirs))
    gone = [entry["value"] for entry in decided_against(made, "zoom")]
    for side in map(codec.loads, (ours, theirs)):
        assert all(value in gone for value in (entry["value"] for entry in decided_against(side, "zoom")))
    waits = made.extra.get("alternatives", {}).get("zoom", ())
    assert made.extra.get("zoom") not in waits
    if not all(value in gone for value in values(made, "zoom")):
        assert made.extra.get("zoom") not in gone
        assert not any(value in gone for value in waits)


def notes(session):
    """The notes of a session, one by one."""
    held = session.extra.get("notes", [])
    return held if isinstance(held, list) else [held]


def tombstones_absorb(case):
    base, ours, theirs, *_ = case
    if base in (ours, theirs):
        return  # one side alone did something: that is what is taken
    for data in (merged(base, ours, theirs), merged(None, ours, theirs), absorbed(base, ours, theirs)):
        held = {message.id: message for message in codec.loads(data).messages}
        for side in (ours, theirs):
            for message in codec.loads(side).messages:
                other = {m.id: m for m in codec.loads(theirs if side == ours else ours).messages}.get(message.id)
                if message.deleted and other is not None:
                    kept = held[message.id]
                    assert kept.deleted
                    assert not (kept.content or kept.native or kept.variants or kept.replaced or kept.extra)


def conflicts_are_new(case):
    """A conflict is counted once: when its two texts first meet."""
    base, ours, theirs, *_ = case
    first = merge.merge(base, ours, theirs)
    asked = [conflict for conflict in first.conflicts if conflict.kind != "deletion"]
    assert bool(asked) <= bool(waiting(first.data))
    if waiting(first.data) and not waiting(ours) and not waiting(theirs):
        assert asked
    for side in (ours, theirs):
        for known in (side, None) if base is None else (side,):
            assert merge.merge(known, first.data, side).conflicts == []
            assert waiting(merge.merge(known, first.data, side).data) == waiting(first.data)


def criss_cross(case):
    """Two machines merge the same two versions; merging the two merges, with any base, changes nothing."""
    base, ours, theirs, *_ = case
    one, other = merged(base, ours, theirs), merged(base, theirs, ours)
    for known in (None, base, ours, theirs, merged(base, ours, theirs)):
        again = merge.merge(known, one, other)
        assert again.data == one
        assert again.conflicts == []


def user_beats_provider(case):
    _, ours, theirs, *_ = case
    made = codec.loads(merged(None, ours, theirs))
    gone = {entry["value"] for entry in decided_against(made, "title")}
    users = [side for side in map(codec.loads, (ours, theirs)) if has_users_title(side)]
    given = {title for side in users for title in values(side, "title")} - gone
    if given:
        assert made.title in given | gone
        assert has_users_title(made)


def has_users_title(session):
    return session.title is not None and session.extra.get("title_by") == "user"


# --- harvesting -------------------------------------------------------------------------------------------------------


def harvest_loses_nothing(case):
    base, archived, _, fresh = case
    data = absorbed(base, archived, fresh)
    held, gone = states(data), tombstones(data)
    assert codec.is_canonical(data)
    assert ids(data) == ids(archived) | ids(fresh)
    assert gone >= tombstones(archived)
    for identity, state in states(archived).items():
        if identity not in gone:
            assert all(is_held(body, held[identity]) for body in state.bodies)
    before, after = codec.loads(archived), codec.loads(data)
    assert set(before.tags) <= set(after.tags)
    assert (after.title is None) <= (before.title is None)
    assert (after.workspace is None) <= (before.workspace is None)
    assert (after.git is None) <= (before.git is None)
    said = codec.loads(base)
    is_decided = "title" in {**before.extra.get("decided", {}), **codec.loads(fresh).extra.get("decided", {})}
    if not is_decided and has_users_title(before) and not (has_users_title(said) and said.title == before.title):
        assert has_users_title(after)
        assert after.title == before.title or has_users_title(codec.loads(fresh))


def harvest_is_idempotent(case):
    base, archived, _, fresh = case
    for before, later in ((base, (base, fresh)), (None, (None, fresh))):
        once = absorbed(before, archived, fresh)
        for known in later:
            again = merge.absorb(known, once, fresh)
            assert again.data == once
            assert again.conflicts == []


def harvest_shows_growth(case):
    """A body that extends what the archive shows takes its place."""
    base, archived, _, fresh = case
    held, new, old = states(absorbed(base, archived, fresh)), states(fresh), states(archived)
    said = states(base) if base else {}
    for identity in new.keys() & old.keys() & held.keys():
        for body in new[identity].shown:
            grown = [b for b in old[identity].shown if extends(body.message, b.message)]
            known = [*old[identity].bodies, *(said[identity].bodies if identity in said else ())]
            if grown and not any(extends(b.message, body.message) for b in known):
                assert any(body.kin == shown.kin for shown in held[identity].shown)


def replaced_stays_replaced(case):
    """Where nobody knows what the provider said last, an old text it says is no news."""
    _, archived, _, fresh = case
    held, new, old = states(absorbed(None, archived, fresh)), states(fresh), states(archived)
    for identity in new.keys() & old.keys() & held.keys():
        replaced = {body.kin for body in old[identity].replaced}
        if all(body.kin in replaced for body in new[identity].shown):
            assert held[identity].keys() == old[identity].keys()


def harvest_then_merge(case):
    """Harvesting and then merging shows the same messages and texts as merging and then harvesting."""
    base, archived, other, fresh = case
    one = merged(base, absorbed(base, archived, fresh), other)
    two = absorbed(base, merged(base, archived, other), fresh)
    assert ids(one) == ids(two)
    decided = {name for side in (archived, other) for name, state in states(side).items() if is_decided(state)}
    mine, its = words(one), words(two)
    assert mine.keys() == its.keys()
    assert all(mine[identity] == its[identity] for identity in mine.keys() - decided)


def is_decided(state):
    """Whether somebody put bodies in each other's place: what the provider says may be older or newer than that."""
    return len(state.replaced) == len(state.bodies) or any(body.revision for body in state.bodies)


# --- all of them ------------------------------------------------------------------------------------------------------

MERGING = (
    commutative,
    canonical,
    idempotent,
    associative,
    associative_with_base,
    lossless,
    header_lossless,
    tombstones_absorb,
    conflicts_are_new,
    criss_cross,
    decisions_hold,
    user_beats_provider,
)
HARVESTING = (
    harvest_loses_nothing,
    harvest_is_idempotent,
    harvest_shows_growth,
    replaced_stays_replaced,
    harvest_then_merge,
)


def hold(laws, case):
    """Raises AssertionError, naming the law that is broken."""
    for law in laws:
        try:
            law(case)
        except AssertionError as error:
            error.add_note(f"law: {law.__name__}")
            raise
