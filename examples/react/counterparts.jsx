// The counterparts of the active organization, in Monite's own React SDK. Built by `make react`.

import { MoniteSDK } from "@monite/sdk-api";
import { Counterparts, MoniteProvider } from "@monite/sdk-react";
import { createRoot } from "react-dom/client";

const place = document.getElementById("counterparts");

const monite = new MoniteSDK({
  // The app passes these calls on to Monite, and attaches the token of whoever is logged in.
  apiUrl: `${location.origin}/monite/api`,
  entityId: place.dataset.entityId,
  // The SDK insists on a token. This answer has none: the browser's session cookie is all that it needs.
  fetchToken: async () => (await fetch("/monite/token", { cache: "no-store" })).json(),
});

const theme = { typography: { fontFamily: "inherit", h2: { fontSize: "1.6rem" }, h3: { fontSize: "1.25rem" } } };

createRoot(place).render(
  <MoniteProvider monite={monite} theme={theme} locale={{ code: "en" }}>
    <Counterparts />
  </MoniteProvider>,
);
