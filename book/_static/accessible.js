// Gaps of the theme that assistive technology stumbles over.
document.addEventListener("DOMContentLoaded", () => {
  // An accessible name has to contain the visible text.
  for (const button of document.querySelectorAll(".search-button-field")) button.removeAttribute("aria-label");
  // Everything on the page belongs to a landmark.
  const logo = document.querySelector(".sidebar-primary-items__start");
  logo?.setAttribute("role", "complementary");
  logo?.setAttribute("aria-label", "Book");
});

// Paper is white: a page in the dark scheme is printed in the light one.
const paper = matchMedia("print");
paper.addEventListener("change", () => {
  const { dataset } = document.documentElement;
  if (paper.matches) [dataset.schemeOnScreen, dataset.theme] = [dataset.theme, "light"];
  else dataset.theme = dataset.schemeOnScreen;
});
