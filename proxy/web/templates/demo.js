"use strict";
const at = (id) => document.getElementById(id);
new EventSource("/clock").onmessage = (event) => {
  at("clock").textContent = event.data + " s";
};
const socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/[^/]*$/, "echo"));
socket.onopen = () => { at("echo").textContent = "connected"; };
socket.onclose = () => { at("echo").textContent = "closed"; };
socket.onmessage = (event) => { at("echo").textContent = "It came back: " + event.data; };
at("say").onsubmit = (event) => {
  event.preventDefault();
  socket.send(at("text").value);
};
at("upload").onsubmit = async (event) => {
  event.preventDefault();
  at("uploaded").textContent = "…";
  try {
    const answer = await fetch("/upload", { method: "POST", body: new FormData(event.target) });
    const seen = await answer.json();
    at("uploaded").textContent = seen.bytes.toLocaleString() + " bytes arrived, SHA-256 " + seen.sha256;
  } catch (error) {
    at("uploaded").textContent = "It did not arrive: " + error.message;
  }
};
