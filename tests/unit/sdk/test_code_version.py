"""The code's version: commits, and the imported files that are in none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lakehouse.records.store import CodeVersion
from lakehouse.sdk import code_version as module
from lakehouse.sdk.code_version import code_version
from lakehouse.sdk.composition import load_domain

SHOP = """
from lakehouse.declare import Contract, Cleaned, Domain, Raw, Source, key
from shop_prices import CURRENCY

class Order(Contract):
    order_id: str = key()

feed = Source("order_feed", Order, path="orders/{delivered_at}.csv")
orders = Cleaned("orders", Raw("orders_raw", feed))
domain = Domain("shop", description=CURRENCY, tables=(orders,))

def later():
    import shop_rounding
"""
FILES = {
    "shop.py": SHOP,
    "shop_prices.py": "CURRENCY = 'EUR'\n",
    "shop_rounding.py": "from shop_digits import DIGITS\n",
    "shop_digits.py": "DIGITS = 2\n",
    "shop_report.py": "import shop\n",
}


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example")
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout, everything committed, that declares a domain."""
    monkeypatch.delenv("LAKEHOUSE_CODE_VERSION", raising=False)
    # The platform's own checkout is whatever the developer makes of it.
    monkeypatch.setattr(module, "PLATFORM", tmp_path / "site-packages" / "lakehouse")
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Declare the shop")
    yield folder
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def version_of(folder: Path) -> CodeVersion:
    return code_version(load_domain(str(folder / "shop.py")))


def edit(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(FILES[name] + "# edited\n")


def test_a_clean_checkout_is_its_commit(shop: Path) -> None:
    version = version_of(shop)
    assert () == version.uncommitted
    assert len("c0ffee") < len(version.text.split(", platform ")[0])


@pytest.mark.parametrize(
    "disturb",
    [
        lambda folder: (folder / "out.txt").write_text("what a command printed"),
        lambda folder: (folder / "notes.py").write_text("half an idea ("),
        lambda folder: (folder / "data").mkdir() or (folder / "data" / "x.csv").write_text("1"),
        edit("shop_report.py"),
    ],
    ids=["an output", "a module that nothing imports", "a folder", "another program"],
)
def test_what_the_domain_does_not_import_changes_nothing(
    shop: Path, disturb: Callable[[Path], object]
) -> None:
    disturb(shop)
    assert () == version_of(shop).uncommitted


@pytest.mark.parametrize(
    "name", ["shop.py", "shop_prices.py", "shop_rounding.py", "shop_digits.py"]
)
def test_an_edited_file_that_the_domain_imports_is_named(shop: Path, name: str) -> None:
    edit(name)(shop)
    assert (name,) == version_of(shop).uncommitted


@pytest.mark.parametrize("ignored", [True, False])
def test_an_imported_file_that_git_does_not_hold_is_named(shop: Path, ignored: bool) -> None:
    git(shop, "rm", "--quiet", "--cached", "shop_digits.py")
    git(shop, "commit", "--quiet", "-m", "Forget the digits")
    if ignored:
        (shop / ".git" / "info" / "exclude").write_text("shop_digits.py\n")
    assert ("shop_digits.py",) == version_of(shop).uncommitted


def test_a_domain_under_no_version_control_is_named(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loose").mkdir()
    for name, text in FILES.items():
        (tmp_path / "loose" / name).write_text(text)
    version = version_of(tmp_path / "loose")
    assert version.text.startswith("not under version control, platform ")
    assert (f"{tmp_path}/loose/shop.py (under no version control)",) == version.uncommitted


def test_the_environment_names_the_version_of_an_image(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("shop.py")(shop)
    monkeypatch.setenv("LAKEHOUSE_CODE_VERSION", "image 7")
    assert CodeVersion("image 7") == version_of(shop)


def test_the_platforms_edited_and_loaded_modules_are_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop's checkout stands for the platform's: what is committed there is imported."""
    domain = load_domain(str(shop / "shop.py"))
    monkeypatch.setattr(module, "PLATFORM", shop)
    edit("shop_report.py")(shop)
    (shop / "notes.py").write_text("half an idea (")
    assert ("shop_report.py",) == code_version(domain).uncommitted
    assert ("shop_report.py",) == code_version().uncommitted
