/** Light, dark, or as the system has it: the choice holds for this page until it is closed. */
{
  const button = document.getElementById("theme");
  const themes = [["", "as the system"], ["light", "light"], ["dark", "dark"]];
  let at = 0;
  button?.addEventListener("click", () => {
    at = (at + 1) % themes.length;
    const [theme, name] = themes[at];
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    button.querySelector("span").textContent = name;
  });
}
