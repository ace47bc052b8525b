/* Names as Kubernetes allows them (apimachinery's validation; RFC 1123, RFC 1035). */

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** What is wrong with `name` as an RFC 1123 label (at most 63 characters), or undefined. */
export function labelNameProblem(name: string): string | undefined {
  if (name.length > 63) return "must be no more than 63 characters";
  if (label.test(name)) return undefined;
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name')";
}

/** What is wrong with `name` as a Service's: an RFC 1035 label (at most 63 characters), or undefined. */
export function serviceNameProblem(name: string): string | undefined {
  if (name.length > 63) return "must be no more than 63 characters";
  if (/^[a-z]/.test(name) && label.test(name)) return undefined;
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123')";
}

/** What is wrong with `name` as an RFC 1123 subdomain (at most 253 characters), or undefined. */
export function subdomainNameProblem(name: string): string | undefined {
  if (name.length > 253) return "must be no more than 253 characters";
  if (name.split(".").every((part) => label.test(part))) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')";
}

/** What is wrong with a label or annotation key: `[prefix/]name`. */
export function qualifiedNameProblem(key: string): string | undefined {
  const parts = key.split("/");
  const name = parts.at(-1) ?? "";
  if (parts.length > 2) return "a qualified name has at most one '/'";
  if (parts.length === 2) {
    const problem = subdomainNameProblem(parts[0] ?? "");
    if (problem !== undefined) return `prefix part ${problem}`;
  }
  if (name.length === 0) return "name part must be non-empty";
  if (name.length > 63) return "name part must be no more than 63 characters";
  if (!qualifiedPart.test(name)) {
    return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName')";
  }
  return undefined;
}

/** What is wrong with the value of a label. */
export function labelValueProblem(value: string): string | undefined {
  if (value === "") return undefined;
  if (value.length > 63) return "must be no more than 63 characters";
  if (qualifiedPart.test(value)) return undefined;
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue')";
}

/** What is wrong with the name of a port (IANA_SVC_NAME, RFC 6335), or undefined. */
export function portNameProblem(name: string): string | undefined {
  if (name.length > 15) return "must be no more than 15 characters";
  if (!/^[-a-z0-9]*$/.test(name)) return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
  if (!/[a-z]/.test(name)) return "must contain at least one letter (a-z)";
  if (name.includes("--")) return "must not contain consecutive hyphens";
  if (name.startsWith("-") || name.endsWith("-")) return "must not begin or end with a hyphen";
  return undefined;
}
