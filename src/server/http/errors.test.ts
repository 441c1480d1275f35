import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { NishikiError } from "../../errors.js";
import { describeError, describeFailure, refuse, respondToError } from "./errors.js";

describe("describeError", () => {
  it.each([
    ["usage", 400],
    ["data", 400],
    ["conflict", 409],
    ["memory", 500],
    ["device", 500],
    ["file", 500],
    ["closed", 503],
  ] as const)("maps %s to %i and keeps the sentence", (code, status) => {
    const message = "steps: expected a whole number from 1 to 1000, got 0.";
    expect(describeError(new NishikiError(code, message))).toMatchObject({ status, code, message });
  });

  it.each([
    [
      "Cannot read /home/me/models/sd.safetensors: it ends early.",
      "Cannot read sd.safetensors: it ends early.",
    ],
    ["C:\\Users\\me\\models\\sd.safetensors is damaged.", "sd.safetensors is damaged."],
    ['Cannot write "/var/lib/x/y.png".', 'Cannot write "y.png".'],
    ["Needs 2 GB/s; see https://example.org/a/b and image/png.", undefined],
    ["1/2 of the memory, and/or 3 of 4 files.", undefined],
  ])("shortens paths of this machine: %s", (message, expected) => {
    expect(describeError(new NishikiError("file", message)).message).toBe(expected ?? message);
  });

  it("repeats what a client sent, even where it looks like a path", () => {
    const message = 'prompt: got "/home/me/cat.png".';
    expect(describeError(new NishikiError("usage", message)).message).toBe(message);
  });

  it("says nothing about an error that nobody foresaw, and tells the log", () => {
    const error = new TypeError("Cannot read properties of undefined (reading '\u001b[31m/etc/passwd')");
    expect(describeError(error)).toEqual({
      status: 500,
      code: "internal",
      message: "The server failed in an unexpected way. Its log says more.",
    });
    expect(describeFailure(error)).toMatch(/\\u001b\[31m[\s\S]*at /);
    expect(describeFailure(new NishikiError("usage", "no"))).toBeUndefined();
  });
});

describe("respondToError", () => {
  const app = new Hono();
  app.onError(respondToError);
  app.get("*", () => refuse(405, "This takes POST.", { Allow: "POST" }));

  it.each([
    ["/api/v1/x", { error: { code: "method", message: "This takes POST." } }],
    [
      "/v1/x",
      { error: { message: "This takes POST.", type: "invalid_request_error", param: null, code: "method" } },
    ],
    ["/sdapi/v1/x", { error: "method", detail: "This takes POST.", body: "", errors: "This takes POST." }],
  ])("speaks the form of %s", async (path, body) => {
    const response = await app.request(path);
    expect([response.status, response.headers.get("allow"), await response.json()]).toEqual([
      405,
      "POST",
      body,
    ]);
    expect(response.headers.get("content-type")).toContain("application/json");
  });
});
