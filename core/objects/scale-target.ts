import type { CrossVersionObjectReference } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { required, unless } from "./problem.ts";

/** What a reference to another object of the namespace lacks. */
export function validateReference(path: string, reference: CrossVersionObjectReference | undefined): Problem[] {
  const { kind = "", name = "" } = reference ?? {};
  return [
    ...(kind === "" ? [required(`${path}.kind`)] : []),
    ...(name === "" ? [required(`${path}.name`)] : unless(`${path}.name`, name, subdomainNameProblem(name))),
  ];
}
