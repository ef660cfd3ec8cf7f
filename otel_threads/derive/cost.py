"""What a call cost: as reported, else estimated from its tokens with genai-prices' offline data."""

import datetime
from collections.abc import Sequence
from functools import lru_cache

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from otel_threads.derive.family import Usage

MODEL_LENGTH_MAX = 200
# genai-prices remembers every name that it does not know; senders must not fill our memory so.
UNKNOWN_MAX = 10_000
PRICE_STEP_S = 1800  # prices that change by the hour do so on half hours

_unknown: set[tuple[str, str | None]] = set()


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
        for name, by in ((model, provider), (model, None), (model.rpartition("/")[2], None)):
            price = _price(
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
    if (model, provider) in _unknown or len(_unknown) >= UNKNOWN_MAX:
        return None
    cached = (cache_read_tokens or 0) + (cache_write_tokens or 0)
    consistent = (
        cached + (input_audio_tokens or 0) <= input_tokens
        and (output_audio_tokens or 0) <= output_tokens
    )
    try:
        price = calc_price(
            PricedUsage(
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cache_read_tokens=cache_read_tokens if consistent else None,
                cache_write_tokens=cache_write_tokens if consistent else None,
                input_audio_tokens=input_audio_tokens if consistent else None,
                output_audio_tokens=output_audio_tokens if consistent else None,
            ),
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
    return float(price.total_price)
