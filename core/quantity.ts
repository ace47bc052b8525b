/* Kubernetes' quantities: "250m" of a cpu, "1.5Gi" of memory (apimachinery's resource.Quantity). The smallest part is a billionth,
 * as there; finer ones are rounded up. */

import { invalid } from "./errors.ts";

/** In billionths of the unit. */
export type Quantity = bigint;

export const quantityRule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const one = 1_000_000_000n;
const lengthMax = 64;

/** By suffix, what it multiplies by, in billionths; the largest first. */
const decimal: readonly (readonly [suffix: string, factor: bigint])[] = [
  ["E", 10n ** 27n],
  ["P", 10n ** 24n],
  ["T", 10n ** 21n],
  ["G", 10n ** 18n],
  ["M", 10n ** 15n],
  ["k", 10n ** 12n],
  ["", one],
  ["m", 10n ** 6n],
  ["u", 10n ** 3n],
  ["n", 1n],
];
const binary: readonly (readonly [suffix: string, factor: bigint])[] = [
  ["Ei", one << 60n],
  ["Pi", one << 50n],
  ["Ti", one << 40n],
  ["Gi", one << 30n],
  ["Mi", one << 20n],
  ["Ki", one << 10n],
];
const factors = new Map([...decimal, ...binary]);

/** Throws "invalid". */
export function parseQuantity(text: string): Quantity {
  return read(text).value;
}

/** What is wrong with a quantity, or undefined. */
export function quantityProblem(text: string): string | undefined {
  return tryRead(text) === undefined ? quantityRule : undefined;
}

/** The same quantity as Kubernetes writes it: "0.5" is "500m", "1024Mi" is "1Gi". What is no quantity stays as it is. */
export function canonicalQuantity(text: string): string {
  const parts = tryRead(text);
  if (parts === undefined) return text;
  const { value, form } = parts;
  if (form === "exponent") return formatExponent(value);
  return formatQuantity(value, form);
}

/** With the largest suffix that needs no fraction. Binary suffixes only for what is 1Ki at least and has no fraction. */
export function formatQuantity(value: Quantity, form: "decimal" | "binary" = "decimal"): string {
  if (value === 0n) return "0";
  const size = value < 0n ? -value : value;
  if (form === "binary" && size % one === 0n) {
    const found = binary.find(([, factor]) => size % factor === 0n);
    return found === undefined ? String(value / one) : `${value / found[1]}${found[0]}`;
  }
  const [suffix, factor] = decimal.find(([, step]) => size % step === 0n) ?? ["n", 1n];
  return `${value / factor}${suffix}`;
}

type Form = "decimal" | "binary" | "exponent";

interface Parts {
  readonly value: Quantity;
  readonly form: Form;
}

function read(text: string): Parts {
  const parts = tryRead(text);
  if (parts === undefined) throw invalid(`"${text.slice(0, lengthMax)}": ${quantityRule}`);
  return parts;
}

function tryRead(text: string): Parts | undefined {
  if (text.length > lengthMax) return undefined;
  const match = /^([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:([eE][+-]?[0-9]{1,3})|([KMGTPE]i|[numkMGTPE]))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", digits = "", onlyDigits = "", exponent, suffix = ""] = match;
  const fraction = digits || onlyDigits;
  const mantissa = BigInt(`${whole}${fraction}` || "0");
  const scale = 10n ** BigInt(fraction.length);
  const power = exponent === undefined ? 0 : Number(exponent.slice(1));
  const factor = exponent === undefined ? (factors.get(suffix) ?? one) : power >= 0 ? one * 10n ** BigInt(power) : one;
  const divisor = power < 0 ? scale * 10n ** BigInt(-power) : scale;
  const size = ceilDivide(mantissa * factor, divisor);
  const form = exponent !== undefined ? "exponent" : suffix.endsWith("i") ? "binary" : "decimal";
  return { value: sign === "-" ? -size : size, form };
}

function ceilDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** The exponent is a multiple of three. */
function formatExponent(value: Quantity): string {
  if (value === 0n) return "0";
  let power = -9;
  let mantissa = value;
  while (mantissa % 1_000n === 0n) {
    mantissa /= 1_000n;
    power += 3;
  }
  return power === 0 ? String(mantissa) : `${mantissa}e${power}`;
}
