/* Kubernetes' quantities, `250m`, `128Mi`, `1e3`, `0.5`: enough to add them up and to print the sum. */

export interface Quantity {
  /** Thousandths, rounded up. */
  readonly milli: bigint;
  /** Printed with Ki, Mi… */
  readonly binary: boolean;
}

export const zeroQuantity: Quantity = { milli: 0n, binary: false };

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffixes = ["", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** Undefined where `text` is no quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = /^\+?([0-9]{0,30})(?:\.([0-9]{0,30}))?(?:([KMGTPE]i)|[eE]([+-]?[0-9]{1,2})|([numkMGTPE]?))$/.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", binary, exponent, decimal = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(whole + fraction);
  if (binary !== undefined) {
    const factor = 1024n ** BigInt(binarySuffixes.indexOf(binary));
    return { milli: divideUp(digits * factor * 1000n, 10n ** BigInt(fraction.length)), binary: true };
  }
  const power = (exponent === undefined ? (decimalExponents[decimal] ?? 0) : Number(exponent)) + 3 - fraction.length;
  const milli = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  return { milli, binary: false };
}

/** Zero takes the other's form. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { milli: a.milli + b.milli, binary: a.milli === 0n ? b.binary : a.binary };
}

/** The canonical form: the largest suffix that needs no fraction. */
export function quantityText({ milli, binary }: Quantity): string {
  if (milli % 1000n !== 0n) return `${milli}m`;
  const step = binary ? 1024n : 1000n;
  let value = milli / 1000n;
  let suffix = 0;
  while (value !== 0n && value % step === 0n && suffix < decimalSuffixes.length - 1) {
    value /= step;
    suffix += 1;
  }
  return `${value}${(binary ? binarySuffixes : decimalSuffixes)[suffix]}`;
}

/** Whole per cent of `of`, rounded down; 0 where there is nothing to have a share of. */
export function percentOf(part: Quantity, of: Quantity): number {
  return of.milli === 0n ? 0 : Number((part.milli * 100n) / of.milli);
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
