/* Holds a pod open and does nothing. */

export async function main(): Promise<void> {
  setInterval(() => {}, 2 ** 30);
}
