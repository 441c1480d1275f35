// Where a request comes from: for the queue's fairness, and to slow down those who guess tokens.
import { isIP } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { isLoopback } from "./access.js";

/** The address of the client of a request. */
export type AddressReader = (c: Context) => string;

/**
 * Makes a reader of addresses. Behind a proxy on this machine, the proxy's header X-Forwarded-For has the client's address as
 * its last entry; clients could write the ones before it, and without a proxy all of it.
 */
export function makeAddressReader({ isProxied }: { readonly isProxied: boolean }): AddressReader {
  return (c) => {
    const bindings = c.env as Partial<HttpBindings> | undefined;
    const address = (bindings?.incoming?.socket?.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, "");
    if (!isProxied || !isLoopback(address)) return address;
    const forwarded = c.req.header("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
    return isIP(forwarded) ? forwarded : address;
  };
}

/** The part of an address that one party holds: for IPv6, its network. */
export const getNetwork = (address: string) =>
  address.includes(":") ? address.split(":").slice(0, 4).join(":") : address;

/** What the queue calls who asks: this machine, or another one by its address. */
export const getOwner = (address: string) => (isLoopback(address) ? "local" : address);
