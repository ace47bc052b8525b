/* kubectl's -l, `app=web,tier!=db,env in (a,b),zone notin (c),gpu,!old`, and its --field-selector,
 * `status.phase=Running,spec.nodeName!=node-1`. All requirements must hold; where there is none everything is selected. */

import { type AppError, invalid } from "./errors.ts";
import { isJsonObject, own } from "./json.ts";
import { labelValueProblem, qualifiedNameProblem } from "./names.ts";
import { nearest } from "./nearest.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelSelector = (labels: Labels | undefined) => boolean;

interface Token {
  /** "" at the end. */
  readonly text: string;
  /** Counted from 0. */
  readonly at: number;
}

/** As in Kubernetes, `!=` and `notin` also hold where the label is absent. Throws "invalid", naming the place of the fault. */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens = createTokens(text);
  const requirements: LabelSelector[] = [];
  if (tokens.peek().text === "") return () => true;
  for (;;) {
    requirements.push(parseRequirement(tokens));
    if (tokens.accept("")) break;
    tokens.expect(",", 'expected ","');
  }
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(tokens: Tokens): LabelSelector {
  if (tokens.accept("!")) {
    const key = tokens.key();
    return (labels) => labelOf(labels, key) === undefined;
  }
  const key = tokens.key();
  if (tokens.accept("=") || tokens.accept("==")) {
    const wanted = tokens.value();
    return (labels) => labelOf(labels, key) === wanted;
  }
  if (tokens.accept("!=")) {
    const unwanted = tokens.value();
    return (labels) => labelOf(labels, key) !== unwanted;
  }
  const isIn = tokens.accept("in");
  if (isIn || tokens.accept("notin")) {
    const values = new Set(parseValues(tokens));
    return (labels) => {
      const value = labelOf(labels, key);
      return (value !== undefined && values.has(value)) === isIn;
    };
  }
  return (labels) => labelOf(labels, key) !== undefined;
}

function parseValues(tokens: Tokens): string[] {
  tokens.expect("(", 'expected "("');
  const values = [tokens.value()];
  while (tokens.accept(",")) values.push(tokens.value());
  tokens.expect(")", 'expected "," or ")"');
  return values;
}

type Tokens = ReturnType<typeof createTokens>;

function createTokens(text: string) {
  const tokens: Token[] = [...text.matchAll(/[,()]|==|!=|[=!]|[^\s,()=!]+/g)].map((match) => ({
    text: match[0],
    at: match.index,
  }));
  const end: Token = { text: "", at: text.length };
  let next = 0;
  const peek = () => tokens[next] ?? end;
  const take = () => {
    const token = peek();
    next += 1;
    return token;
  };
  const fault = (token: Token, what: string): AppError => {
    const found = token.text === "" ? "the end" : `"${token.text}"`;
    return invalid(`label selector "${text}": ${what}, found ${found} at character ${token.at + 1}`);
  };
  return {
    peek,
    accept(wanted: string): boolean {
      if (peek().text !== wanted) return false;
      next += 1;
      return true;
    },
    expect(wanted: string, what: string): void {
      const token = take();
      if (token.text !== wanted) throw fault(token, what);
    },
    key(): string {
      const token = take();
      if (isSymbol(token.text)) throw fault(token, "expected a label's key");
      const problem = qualifiedNameProblem(token.text);
      if (problem !== undefined) throw fault(token, `not a label's key (${problem})`);
      return token.text;
    },
    /** May be empty: `app=` and `in (a,)` ask for an empty value. */
    value(): string {
      const token = peek();
      if (token.text === "" || token.text === "," || token.text === ")") return "";
      if (isSymbol(token.text)) throw fault(token, "expected a label's value");
      const problem = labelValueProblem(token.text);
      if (problem !== undefined) throw fault(token, `not a label's value (${problem})`);
      return take().text;
    },
  };
}

function isSymbol(text: string): boolean {
  return text === "" || /^[,()=!]/.test(text);
}

/** The own property: `constructor` is a fine label. */
function labelOf(labels: Labels | undefined, key: string): string | undefined {
  return labels === undefined ? undefined : own(labels, key);
}

/** Of an object, or of its JSON: the fields have the same names. */
export type FieldSelector = (object: object) => boolean;

/** By kind, the fields that Kubernetes selects by too, and what they are where they are absent. */
const fields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ConfigMap: { "metadata.namespace": "" },
  Event: {
    "metadata.namespace": "",
    "involvedObject.kind": "",
    "involvedObject.namespace": "",
    "involvedObject.name": "",
    "involvedObject.uid": "",
    "involvedObject.apiVersion": "",
    "involvedObject.resourceVersion": "",
    "involvedObject.fieldPath": "",
    reason: "",
    reportingComponent: "",
    source: "",
    type: "",
  },
  Namespace: { "status.phase": "" },
  Node: { "spec.unschedulable": "false" },
  Secret: { "metadata.namespace": "", type: "" },
  Pod: {
    "metadata.namespace": "",
    "spec.nodeName": "",
    "spec.restartPolicy": "",
    "spec.schedulerName": "default-scheduler",
    "spec.serviceAccountName": "default",
    "spec.hostNetwork": "false",
    "status.phase": "",
    "status.podIP": "",
  },
};

/** Fields whose values stand elsewhere: at the first of these paths that has one. */
const elsewhere: Readonly<Record<string, readonly string[]>> = { source: ["source.component", "reportingComponent"] };

/** Throws "invalid" where `kind`, such as "Pod", cannot be selected by a field. */
export function parseFieldSelector(text: string, kind: string): FieldSelector {
  const known = { "metadata.name": "", ...own(fields, kind) };
  const requirements = text
    .split(",")
    .map((term) => term.trim())
    .filter((term) => term !== "")
    .map((term) => parseTerm(term, known, text));
  return (object) => requirements.every((holds) => holds(object));
}

function parseTerm(term: string, known: Readonly<Record<string, string>>, text: string): FieldSelector {
  const match = /^([^=!]*)(==|=|!=)(.*)$/.exec(term);
  if (match === null) throw invalid(`field selector "${text}": "${term}" is none of FIELD=VALUE, FIELD==VALUE, FIELD!=VALUE`);
  const [, field = "", operator, value = ""] = match.map((part) => part.trim());
  const absent = own(known, field);
  if (absent === undefined) throw invalid(`field label not supported: ${field} (${hint(field, Object.keys(known))})`);
  const paths = (own(elsewhere, field) ?? [field]).map((path) => path.split("."));
  const valueIn = (object: object) => paths.map((path) => read(object, path)).find((found) => found !== undefined) ?? absent;
  return (object) => (valueIn(object) === value) === (operator !== "!=");
}

function hint(field: string, known: readonly string[]): string {
  const meant = nearest(field, known);
  return meant === undefined ? `supported: ${known.join(", ")}` : `did you mean ${meant}?`;
}

function read(object: object, path: readonly string[]): string | undefined {
  let value: unknown = object;
  for (const name of path) value = isJsonObject(value) ? own(value, name) : undefined;
  return value === undefined || value === null || value === "" ? undefined : String(value);
}
