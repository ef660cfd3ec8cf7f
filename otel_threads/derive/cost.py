"""What calls cost: reported, else estimated from tokens with genai-prices' offline data; sums."""

import datetime
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from genai_prices.types import PriceCalculation, TieredPrices

from otel_threads.core.trace_rows import CostRow
from otel_threads.derive.family import Usage

MODEL_LENGTH_MAX = 200
# genai-prices remembers every name that it does not know; senders must not fill our memory so.
UNKNOWN_MAX = 10_000
# What a platform that sells others' models puts before their names: a region, and whose it is.
_PREFIX = re.compile(r"^(?:[a-z]+\.)+(?=[a-z])")
_MANY = 10**6
PRICE_STEP_S = 1800  # prices that change by the hour do so on half hours

_unknown: set[tuple[str, str | None]] = set()


class Cost(NamedTuple):
    """What a call, a turn or a part of a trace cost in US dollars; None where nobody knows.

    `source`: `reported`, `estimated`, or `mixed`. `is_partial`: some of it is known and some is
    not. `is_nothing`: that it is unknown makes no sum partial, because it failed or asked no model.
    """

    usd: float | None
    source: str | None
    is_partial: bool = False
    is_nothing: bool = False


def total_cost(costs: Iterable[Cost]) -> Cost:
    """Return what several cost together."""
    costs = list(costs)
    known = [cost.usd for cost in costs if cost.usd is not None]
    sources = {cost.source for cost in costs if cost.usd is not None}
    return Cost(
        sum(known) if known else None,
        None if not sources else sources.pop() if len(sources) == 1 else "mixed",
        any(cost.is_partial for cost in costs)
        or (bool(known) and any(cost.usd is None and not cost.is_nothing for cost in costs)),
    )


def cost_of(row: CostRow, *, is_nothing: bool = False) -> Cost:
    """Return the cost that a row's columns tell; `is_nothing` as in `Cost`."""
    return Cost(row["cost_usd"], row["cost_source"], row["cost_is_partial"], is_nothing)


def cost_columns(costs: Iterable[Cost]) -> CostRow:
    """Return what several cost together, as the columns of a row."""
    found = total_cost(costs)
    return {
        "cost_usd": found.usd,
        "cost_source": found.source,
        "cost_is_partial": found.is_partial,
    }


def put_cost(row: CostRow, costs: Iterable[Cost]) -> None:
    """Write on a row what several cost together."""
    found = total_cost(costs)
    row["cost_usd"] = found.usd
    row["cost_source"] = found.source
    row["cost_is_partial"] = found.is_partial


def estimate_usd(
    models: Sequence[str | None], provider: str | None, usage: Usage, start_unix_nano: int
) -> float | None:
    """Return the price of one call in US dollars by the first model that has one, else None.

    `models` is the response's, then the request's. Prices are those of the time of the call.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    step = start_unix_nano // 10**9 // PRICE_STEP_S
    for model in models:
        if not model or len(model) > MODEL_LENGTH_MAX:
            continue
        plain = _PREFIX.sub("", model.rpartition("/")[2])
        for name, by in ((model, provider), (model, None), (plain, None)):
            price = _plain_price(name, by, usage, step) or _price(
                name,
                by,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                usage.input_audio_tokens,
                usage.output_audio_tokens,
                step,
            )
            if price is not None:
                return price
    return None


def _plain_price(model: str, provider: str | None, usage: Usage, step: int) -> float | None:
    """Return what a call costs of which only input and output count; None where more must be known.

    Decimals are exact: it is what `_price` finds.
    """
    input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
    if input_tokens is None or output_tokens is None or _more_than_plain(usage):
        return None
    rates = _rates(model, provider, step)
    if rates is None:
        return None
    return float(rates.call + rates.input * input_tokens + rates.output * output_tokens)


def _more_than_plain(usage: Usage) -> bool:
    return bool(
        usage.cache_read_tokens
        or usage.cache_write_tokens
        or usage.input_audio_tokens
        or usage.output_audio_tokens
    )


@lru_cache(maxsize=4096)
def _price(  # the arguments are the cache's key
    model: str,
    provider: str | None,
    input_tokens: int,
    output_tokens: int,
    cache_read_tokens: int | None,
    cache_write_tokens: int | None,
    input_audio_tokens: int | None,
    output_audio_tokens: int | None,
    step: int,
) -> float | None:
    cached = (cache_read_tokens or 0) + (cache_write_tokens or 0)
    consistent = (
        cached + (input_audio_tokens or 0) <= input_tokens
        and (output_audio_tokens or 0) <= output_tokens
    )
    asked = PricedUsage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read_tokens if consistent else None,
        cache_write_tokens=cache_write_tokens if consistent else None,
        input_audio_tokens=input_audio_tokens if consistent else None,
        output_audio_tokens=output_audio_tokens if consistent else None,
    )
    price = _calculated(model, provider, asked, step)
    return None if price is None else float(price.total_price)


def _calculated(
    model: str, provider: str | None, usage: PricedUsage, step: int
) -> PriceCalculation | None:
    if (model, provider) in _unknown or len(_unknown) >= UNKNOWN_MAX:
        return None
    try:
        return calc_price(
            usage,
            model_ref=model,
            provider_id=provider,
            genai_request_timestamp=datetime.datetime.fromtimestamp(
                step * PRICE_STEP_S, datetime.UTC
            ),
        )
    except LookupError:
        _unknown.add((model, provider))
        return None
    except (ValueError, ArithmeticError, OverflowError):
        return None


class _Rates(NamedTuple):
    """What a call costs, and each token of it, in US dollars."""

    call: Decimal
    input: Decimal
    output: Decimal


@lru_cache(maxsize=4096)
def _rates(model: str, provider: str | None, step: int) -> _Rates | None:
    """Return the rates of a model; None where the number of tokens changes them, or none is known.

    Asking genai-prices takes 0.3 ms, a fifth of deriving a trace.
    """
    found = [
        _calculated(model, provider, PricedUsage(input_tokens=i, output_tokens=o), step)
        for i, o in ((0, 0), (_MANY, 0), (0, _MANY))
    ]
    known = [one for one in found if one is not None]
    if len(known) < len(found) or any(
        isinstance(price, TieredPrices) for price in vars(known[0].model_price).values()
    ):
        return None
    call, some_input, some_output = (one.total_price for one in known)
    return _Rates(call, (some_input - call) / _MANY, (some_output - call) / _MANY)
