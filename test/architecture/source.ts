import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A source file, by its path from the repository with forward slashes. */
export interface Source {
  path: string;
  text: string;
}

/** All TypeScript in `src` and `edge`. */
export function sources(): Source[] {
  return ["src", "edge"].flatMap((folder) => {
    const below = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
    const paths = below.filter((path) => path.endsWith(".ts")).map((path) => path.replaceAll("\\", "/"))
      .sort();
    return paths.map((path) => `${folder}/${path}`).map(read);
  });
}

function read(path: string): Source {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

const COMMENT_OR_STRING = /\/\/.*|\/\*[^]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

/** The text without comments. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (found) => /^\/[/*]/.test(found) ? " " : found);
}

/** The text without comments and with empty strings; what a template interpolates stays. */
export function codeOnly(text: string): string {
  return withoutComments(text).replace(COMMENT_OR_STRING, (found) => {
    return found.startsWith("`")
      ? [...found.matchAll(/\$\{([^}]*)\}/g)].map((hole) => hole[1]).join(";")
      : '""';
  });
}

const IMPORTS = [
  /^\s*(?:import|export)\s(?:[^"'`;()=]*?\sfrom\s*)?["']([^"']+)["']/gm,
  /^\s*(?:import|export)\s*(?:type\s*)?(?:[\w$]+\s*,\s*)?[{*][^"'`;()=]*?\}?\s*from\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']/g,
];

/** What a file imports, exports from or loads dynamically, as written. */
export function specifiers(text: string): string[] {
  const code = withoutComments(text);
  return [...new Set(IMPORTS.flatMap((form) => [...code.matchAll(form)].map((found) => found[1]!)))];
}

/** The files of this repository that a file imports, as paths from the repository. */
export function localImports({ path, text }: Source): string[] {
  const relative = specifiers(text).filter((specifier) => specifier.startsWith("."));
  return relative.map((specifier) => posix.join(posix.dirname(path), specifier));
}

/** The first way round from a file back to itself, or nothing. */
export function findCycle(files: Source[]): string[] | undefined {
  const edges = new Map(files.map((file) => [file.path, localImports(file)]));
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of edges.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of edges.keys()) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
