"""
Prices: what an operator may give, and what stored bytes cost.
"""

import pytest

from cos_sweeper.core.price import GIGABYTE, Price, parse_currency, parse_prices


def test_one_number_is_the_price_of_every_class() -> None:
    assert Price("USD", parse_prices("0.024")).of({"STANDARD": GIGABYTE, "": 2 * GIGABYTE}) == 0.072


def test_prices_by_storage_class_fall_back_to_the_star() -> None:
    price = Price("USD", parse_prices('{"Standard": 2, "*": 1}'))

    assert price.of({"STANDARD": GIGABYTE, "ARCHIVE": GIGABYTE}) == 3
    assert price.as_json() == {"currency": "USD", "per_gb_month": {"*": 1, "STANDARD": 2}}


def test_cost_is_unknown_if_a_class_with_bytes_has_no_price() -> None:
    price = Price("USD", parse_prices('{"STANDARD": 2}'))

    assert price.of({"STANDARD": GIGABYTE, "ARCHIVE": 1}) is None
    assert price.of({"STANDARD": GIGABYTE, "ARCHIVE": 0}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "-1", "-0.1", "NaN", "Infinity", "1e999", "9" * 400, "true", "null", '"1"', "[1]", "{}", "[" * 100_000,
        '{"STANDARD": -1}', '{"STANDARD": "1"}', '{"": 1}', '{"a b": 1}', '{"A": 1, "A": 2}', '{"A": 1, "a": 2}',
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_price_that_is_no_amount_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_prices(text)


@pytest.mark.parametrize("text", ["", "usd", "US", "DOLLAR", "€"])
def test_currency_is_three_capital_letters(text: str) -> None:
    assert parse_currency("CNY") == "CNY"
    with pytest.raises(ValueError, match="currency"):
        parse_currency(text)
