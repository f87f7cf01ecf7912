/** What asks for the token, in the page. */
export const PAGE_LOGIN = `  <form id="login" hidden>
    <label for="token">This page needs its token</label>
    <input id="token" type="password" autocomplete="current-password" required>
    <button type="submit">Show</button>
  </form>
`;

/** The part of a page's script that every page has; each names as \`TOKEN\` where it keeps its token. */
export const PAGE_BASICS = `const byId = (id) => document.getElementById(id);
const setText = (element, text) => {
  const node = element.firstChild ?? element.appendChild(document.createTextNode(""));
  if (node.data !== text) node.data = text;
};
const numbers = new Intl.NumberFormat();
const numberText = (value) => value === null ? "–" : numbers.format(value);
const timeText = (at) => new Date(at).toLocaleTimeString();

// EventSource cannot send a header, and a token in an address ends up in logs and histories.
function ask(path, signal) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token === null ? {} : { authorization: "Bearer " + token };
  return fetch(path, { headers, signal, cache: "no-store" });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function showProblem(text) {
  byId("problem").hidden = text === null;
  setText(byId("problem"), text ?? "");
}

function login(isWrong) {
  sessionStorage.removeItem(TOKEN);
  byId("login").hidden = false;
  byId("content").hidden = true;
  setText(byId("state"), "Locked");
  showProblem(isWrong ? "That is not the token" : null);
  byId("token").focus();
  return new Promise((resolve) => {
    byId("login").addEventListener("submit", (event) => {
      event.preventDefault();
      // What a header cannot carry, such as a blank that was copied along, is no part of a token.
      sessionStorage.setItem(TOKEN, byId("token").value.replace(/[^!-~]/g, ""));
      byId("token").value = "";
      byId("login").hidden = true;
      setText(byId("state"), "Connecting…");
      resolve();
    }, { once: true });
  });
}
`;
