/* For tests that change the network: they run in the namespaces that scripts/test.ts makes and nowhere else. */

/** Throws outside of the tests' sandbox, where a test would meet the machine's own network. */
export function requireSandbox(): void {
  if (process.env.PODWIRE_TEST_SANDBOX === undefined) {
    throw new Error("this test changes the network: run it with `npm test -- test/…/file.test.ts`");
  }
}
