import type { Toleration } from "#proto/podwire/v1/resources.ts";
import { listField } from "./fields.ts";

export function tolerationsField(tolerations: readonly Toleration[]): string[] {
  return listField("Tolerations", tolerations.map(tolerationText));
}

/** `node-role/x=y:NoSchedule op=Exists for 300s` */
function tolerationText({ key = "", value = "", effect = "", operator = "", tolerationSeconds }: Toleration): string {
  const pair = `${key}${value === "" ? "" : `=${value}`}${effect === "" ? "" : `:${effect}`}`;
  const op = operator === "Exists" && value === "" ? `${pair === "" ? "" : " "}op=Exists` : "";
  return `${pair}${op}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`;
}
