/**
 * Chromium from Debian, driven by Playwright: nothing is downloaded.
 *
 * No Firefox. Playwright's own protocol for it (`-juggler-pipe`) needs its patched build: Debian's
 * `firefox-esr` 153.7 ignores the switch, and the launch waits in vain. By WebDriver BiDi (`channel:
 * "moz-firefox"`, experimental in Playwright 1.65.1) it starts within 8 s, but no context can be made:
 * each sends `emulation.setMediaFeaturesOverride`, whatever its options, which Firefox 153 does not
 * know. Worth another look with a later ESR.
 *
 * @module
 */
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
