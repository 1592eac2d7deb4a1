"""What a call costs, to a billionth of a dollar: the client, its tables and the demo server's own count agree."""

from dataclasses import dataclass
from decimal import Decimal

SMALLEST_USD = Decimal("1e-9")


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal

    def of(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Rounded call by call, so that a sum of calls is exact."""
        paid = self.input_usd_per_million * prompt_tokens + self.output_usd_per_million * completion_tokens
        return (paid / 1_000_000).quantize(SMALLEST_USD)
