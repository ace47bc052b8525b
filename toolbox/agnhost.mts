/* toolbox agnhost SUBCOMMAND: the part of Kubernetes' test image that network tests use, behind the same commands and answers
 * (https://github.com/kubernetes/kubernetes/tree/master/test/images/agnhost). */

const subcommands: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<void> }>>> = {
  netexec: () => import("./netexec.mts"),
  "serve-hostname": () => import("./serve-hostname.mts"),
  connect: () => import("./connect.mts"),
};
/** Done by the launcher, without Node. */
const ofTheShell = "pause";

export async function main([name = "", ...args]: readonly string[]): Promise<void> {
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand === undefined)
    return fail(`unknown command "${name}" for "agnhost"; there are: ${[...Object.keys(subcommands), ofTheShell].join(", ")}`);
  try {
    await (await subcommand()).main(args);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): void {
  process.stderr.write(`Error: ${message}\n`);
  process.exit(1);
}
