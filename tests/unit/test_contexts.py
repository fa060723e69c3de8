"""Which exception is whose context, where only one of several can be raised."""

from __future__ import annotations

import pytest

from gobind.runtime.interrupts.contexts import add_context, raise_anew
from gobind.runtime.interrupts.uninterrupted import insistent


def chain(error: BaseException | None) -> list[str]:
    found: list[str] = []
    while error is not None and len(found) < 10:
        found.append(str(error))
        error = error.__context__
    return found


def linked(*names: str) -> list[Exception]:
    """Exceptions of these texts, each the context of the one before."""
    errors = [Exception(name) for name in names]
    for error, context in zip(errors, errors[1:]):
        error.__context__ = context
    return errors


def test_an_earlier_exception_comes_last_in_the_chain() -> None:
    later, earlier = linked("later", "its context"), linked("earlier", "its own")
    add_context(later[0], earlier[0])
    assert chain(later[0]) == ["later", "its context", "earlier", "its own"]
    add_context(later[0], earlier[0])
    assert chain(later[0]) == ["later", "its context", "earlier", "its own"]


def test_a_chain_that_both_share_stays_one() -> None:
    shared = linked("shared", "first")
    later, earlier = Exception("later"), Exception("earlier")
    later.__context__ = earlier.__context__ = shared[0]
    add_context(later, earlier)
    assert chain(later) == ["later", "earlier", "shared", "first"]


def test_no_circle_is_made() -> None:
    errors = linked("a", "b", "c")
    add_context(errors[0], errors[2])
    add_context(errors[2], errors[0])
    add_context(errors[0], errors[0])
    assert chain(errors[0]) == ["a", "b", "c"]
    errors[2].__context__ = errors[0]  # somebody else's circle
    add_context(errors[0], Exception("d"))


@pytest.mark.parametrize("names", [("raised",), ("raised", "context"), ("raised", "context", "its own")])
def test_contexts_stay_when_an_exception_is_raised_again(names: tuple[str, ...]) -> None:
    error = linked(*names)[0]
    with pytest.raises(Exception, match="^raised$") as caught:
        raise_anew(error)
    assert chain(caught.value) == [*names]
    with pytest.raises(Exception, match="^raised$"):
        try:
            raise KeyError("handled")
        except KeyError:
            raise_anew(error)
    assert chain(error) == [*names, "'handled'"]


@pytest.mark.parametrize("times", [0, 1, 5])
def test_what_is_insistent_is_done_again_until_it_is_done(times: int) -> None:
    done: list[int] = []

    @insistent
    def work(value: int) -> None:
        done.append(value)
        if len(done) <= times:
            raise ValueError(len(done))

    if times:
        with pytest.raises(ValueError, match=f"^{times}$") as caught:
            work(7)
        assert chain(caught.value) == [str(n) for n in range(times, 0, -1)]
    else:
        work(7)
    assert done == [7] * (times + 1)
