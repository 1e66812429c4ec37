// The people with their ids, and the partners' credentials, ready to paste.

import { at, copyButton, element } from "./dom.js";

let shown = "";

/** Returns a text as a shell reads it: in quotes, unless it needs none. */
const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

const mintCommand = ({ client_id, client_secret }, person) => {
  const body = { grant_type: "entity_user", client_id, client_secret, entity_user_id: person.entity_user_id };
  return [
    `curl -X POST ${location.origin}/v1/auth/token`,
    `-H 'Content-Type: application/json' -H 'x-monite-version: 2024-05-25'`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" ");
};

const settings = ({ client_id, client_secret }) =>
  Object.entries({
    MONITE_BASE_URL: `${location.origin}/v1`,
    MONITE_CLIENT_ID: client_id,
    MONITE_CLIENT_SECRET: client_secret,
  })
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join("");

function credentialsRow(credentials) {
  return element("p", {
    className: "credentials",
    children: [
      element("code", { text: credentials.client_id }),
      copyButton("client id", credentials.client_id),
      copyButton("secret", credentials.client_secret),
      copyButton("settings", settings(credentials)),
    ],
  });
}

function personRow(person, credentials) {
  return element("li", {
    children: [
      element("span", {
        children: [
          element("strong", { text: person.name }),
          element("small", { text: `${person.login}, ${person.role ?? "no role"} of ${person.entity}` }),
        ],
      }),
      element("span", {
        className: "buttons",
        children: [
          copyButton("user id", person.entity_user_id, person.name),
          copyButton("entity id", person.entity_id, person.name),
          ...(credentials ? [copyButton("mint with curl", mintCommand(credentials, person), person.name)] : []),
        ],
      }),
    ],
  });
}

export function showPeople({ partners }) {
  const now = JSON.stringify(partners);
  if (now === shown) return; // so that nobody loses the button that they are about to press
  shown = now;
  at("partners").replaceChildren(
    ...partners.flatMap(({ credentials, people }, number) => [
      ...(partners.length > 1 ? [element("h3", { text: `Partner ${number + 1}` })] : []),
      ...credentials.map(credentialsRow),
      element("ul", { className: "people", children: people.map((person) => personRow(person, credentials[0])) }),
    ]),
  );
  const user = at("order").elements.user;
  const chosen = user.value;
  const options = partners.flatMap(({ people }) => people).map(({ name, entity, entity_user_id }) =>
    element("option", { text: `${name}'s, ${entity}`, value: entity_user_id }),
  );
  user.replaceChildren(user.options[0], ...options);
  user.value = chosen;
}
