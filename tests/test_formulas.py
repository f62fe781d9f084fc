"""Formulas speak to readers who ask MathJax's menu for it: what that loads comes from the site, too."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("page", ["chapters/02_matrix_powers.html", "book/notation.html"])
def test_accessible_explorer_of_formulas_loads_from_the_site(visit, origin, page):
    with visit(f"{origin}/{page}") as opened:
        formula = opened.page.locator("mjx-container").first
        formula.click(button="right")
        opened.page.locator(".CtxtMenu_MenuItem", has_text="Accessibility").first.hover()
        opened.page.locator(".CtxtMenu_MenuItem", has_text="Activate").first.click()
        opened.page.wait_for_load_state("networkidle")
        opened.page.reload()  # MathJax loses its formulas when the choice is made, and has them, and it, from then on
        expect(opened.page.locator("mjx-container [data-semantic-speech]").first).to_be_attached()
    assert opened.troubles == []
