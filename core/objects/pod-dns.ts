/* The rules of a pod's dnsPolicy and dnsConfig, and the limits of what a resolver reads. */

import type { PodSpec } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { addressProblem } from "./pod-ports.ts";
import { invalidValue, required, unless, unsupported } from "./problem.ts";

export const serversMax = 3;
export const searchesMax = 32;
/** With the spaces between them. */
export const searchCharactersMax = 2048;

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export function validateDns({ dnsPolicy = "", dnsConfig }: PodSpec, path: string): Problem[] {
  const problems =
    dnsPolicy === "" || policies.includes(dnsPolicy) ? [] : [unsupported(`${path}.dnsPolicy`, dnsPolicy, policies)];
  const at = `${path}.dnsConfig`;
  if (dnsPolicy === "None" && dnsConfig === undefined) {
    return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  }
  if (dnsConfig === undefined) return problems;
  const { nameservers, searches, options } = dnsConfig;
  if (dnsPolicy === "None" && nameservers.length === 0) {
    return [required(`${at}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
  }
  if (nameservers.length > serversMax) {
    problems.push(invalidValue(`${at}.nameservers`, nameservers, `must not have more than ${serversMax} nameservers`));
  }
  problems.push(...nameservers.flatMap((server, i) => unless(`${at}.nameservers[${i}]`, server, addressProblem(server))));
  if (searches.length > searchesMax) {
    problems.push(invalidValue(`${at}.searches`, searches, `must not have more than ${searchesMax} search paths`));
  }
  if (searches.join(" ").length > searchCharactersMax) {
    const detail = `must not have more than ${searchCharactersMax} characters (including spaces) in the search list`;
    problems.push(invalidValue(`${at}.searches`, searches, detail));
  }
  problems.push(...searches.flatMap((search, i) => unless(`${at}.searches[${i}]`, search, searchProblem(search))));
  for (const [i, { name = "" }] of options.entries()) {
    if (name === "") problems.push(required(`${at}.options[${i}]`, "must not be empty"));
  }
  return problems;
}

/** A domain, which may end in a dot, be the root and have underscores. */
function searchProblem(search: string): string | undefined {
  if (search === ".") return undefined;
  const problem = subdomainNameProblem(search.replace(/\.$/, "").replaceAll("_", "a"));
  return problem === undefined ? undefined : problem.replace("'-' or '.'", "'_', '-' or '.'");
}
