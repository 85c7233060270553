// Passkeys: asks the server for a challenge, the browser for an answer, and sends it back.
// Forms with data-passkey are shown only where this runs; everything else works without it.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

function asked(options) {
  const ready = { ...options, challenge: bytes(options.challenge) };
  if (options.user) ready.user = { ...options.user, id: bytes(options.user.id) };
  ready.excludeCredentials = named(options.excludeCredentials);
  ready.allowCredentials = named(options.allowCredentials);
  return ready;
}

function answered(credential) {
  const { response } = credential;
  const said = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) said[name] = text(response[name]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: said,
    clientExtensionResults: {},
  };
}

async function send(form, to, body) {
  const headers = { "Content-Type": "application/json" };
  if (form.elements.csrf) headers["X-CSRF-Token"] = form.elements.csrf.value;
  const answer = await fetch(to, { method: "POST", headers, body: JSON.stringify(body) });
  const read = await answer.json();
  if (read.code === "step_up_needed") {
    location.assign(`/console/step-up?next=${encodeURIComponent(location.pathname)}`);
  }
  if (!answer.ok) throw new Error(read.message);
  return read;
}

async function ceremony(form) {
  const publicKey = asked(await send(form, form.dataset.options, {}));
  const credential = form.dataset.passkey === "register"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  const body = { credential: answered(credential) };
  for (const name of ["name", "next"]) {
    if (form.elements[name]) body[name] = form.elements[name].value;
  }
  return (await send(form, form.dataset.answer, body)).next;
}

const WORDS = {
  NotAllowedError: "That was cancelled, or took too long.",
  InvalidStateError: "This device already has a passkey of yours.",
};

function arm(form) {
  const said = form.querySelector("[data-said]");
  form.hidden = false;
  if (location.origin !== form.dataset.origin) {
    const elsewhere = document.createElement("a");
    elsewhere.href = form.dataset.origin + location.pathname;
    elsewhere.textContent = form.dataset.origin;
    elsewhere.className = "more";
    said.replaceChildren("Passkeys belong to one address. Here it is ", elsewhere, ".");
    form.querySelector("button").disabled = true;
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      location.assign(await ceremony(form));
    } catch (error) {
      said.textContent = WORDS[error.name] ?? error.message;
    }
  });
}

if (window.PublicKeyCredential) document.querySelectorAll("form[data-passkey]").forEach(arm);
