// The seven pages of Monite's own React SDK: #Payables, #Receivables and so on. Built by `make react`.
//
// The element that they are drawn in says whom they work for, and where their calls go:
//   data-entity-id   the entity of the person who is logged in
//   data-api         the app's /monite/api, which attaches the person's token; or Monite's own address, ending in /v1
//   data-token       what answers the SDK's question for a token. With the app's API, the answer has none: the browser's
//                    session cookie is all that it needs. With Monite's own, the answer has the person's token.

import { MoniteSDK } from "@monite/sdk-api";
import {
  ApprovalPolicies, Counterparts, MoniteProvider, Payables, Products, Receivables, Tags, UserRoles,
} from "@monite/sdk-react";
import { useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";

const PAGES = { Payables, Receivables, Counterparts, Products, Tags, ApprovalPolicies, UserRoles };

const place = document.getElementById("office");
const { entityId, api, token } = place.dataset;

const monite = new MoniteSDK({
  apiUrl: new URL(api, location.href).href,
  entityId,
  fetchToken: async () => (await fetch(token, { cache: "no-store" })).json(),
});

const theme = { typography: { fontFamily: "inherit", h2: { fontSize: "1.6rem" }, h3: { fontSize: "1.25rem" } } };

function onHashChange(then) {
  addEventListener("hashchange", then);
  return () => removeEventListener("hashchange", then);
}

function Office() {
  const hash = useSyncExternalStore(onHashChange, () => location.hash.slice(1));
  const active = Object.hasOwn(PAGES, hash) ? hash : "Payables";
  const Page = PAGES[active];
  return (
    <>
      <nav aria-label="Pages">
        {Object.keys(PAGES).map((name) => (
          <a key={name} href={`#${name}`} aria-current={name === active ? "page" : undefined}>
            {name.replace(/\B[A-Z]/, (letter) => ` ${letter.toLowerCase()}`)}
          </a>
        ))}
      </nav>
      <Page />
    </>
  );
}

createRoot(place).render(
  <MoniteProvider monite={monite} theme={theme} locale={{ code: "en" }}>
    <Office />
  </MoniteProvider>,
);
