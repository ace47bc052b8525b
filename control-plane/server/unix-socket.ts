import { chmod, rm } from "node:fs/promises";
import { connect } from "node:net";
import { AppError } from "#core/errors.ts";
import type { RpcServer } from "#rpc/server.ts";

/**
 * Serves on the path, for the user whom this process runs as and nobody else. A socket that a killed process left is replaced;
 * one that answers is not: "failed-precondition".
 */
export async function listenOnSocket(server: RpcServer, path: string): Promise<void> {
  if (await answers(path)) {
    throw new AppError(
      "failed-precondition",
      `another control plane serves on ${path}: stop it first, or choose another --socket`,
    );
  }
  await rm(path, { force: true });
  // The mode must hold from the first moment on.
  const before = process.umask(0o177);
  try {
    await server.listen(`unix:${path}`);
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
