/** An element with attributes and children. Text is always text: nothing here reads markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** What an address stands for: "#id" names a block of this page that holds the address. */
function sourceOf(address) {
  if (!address.startsWith("#")) return address;
  const block = document.getElementById(address.slice(1));
  return block ? block.textContent.trim() : "";
}

/** Give the buttons below a node that copy a command their work. */
function copyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const command = button.parentElement.querySelector("pre");
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(command); // a file may not be let to the clipboard
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}
