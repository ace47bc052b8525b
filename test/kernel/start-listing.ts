/* Starts a program that lists its descriptors, and keeps its own from it where its argument says so. */

import { spawnSync } from "node:child_process";
import { keepInheritedDescriptors } from "#kernel/descriptors.ts";

if (process.argv[2] === "kept") keepInheritedDescriptors();
spawnSync("ls", ["/proc/self/fd"], { stdio: ["ignore", "inherit", "inherit"] });
