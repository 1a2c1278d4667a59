/** Chromium from Debian, driven by Playwright: nothing is downloaded. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is; `undefined`: not on this machine (`apt-get install chromium`). */
export const chromiumPath: string | undefined = PLACES.find((path) => existsSync(path));

/** `args`: switches besides; `without`: those of Playwright that are in the way. */
export async function launchChromium(args: string[] = [], without: string[] = []): Promise<Browser> {
  return await chromium.launch({
    executablePath: chromiumPath,
    // As root, in a container: Chromium's own sandbox cannot be set up. It loads our own pages alone.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", ...args],
    ignoreDefaultArgs: without,
  });
}
