import { DockerfileParser, type Instruction } from "dockerfile-ast";

/** A stage of a Dockerfile, as a test runs it. */
export interface Stage {
  from: string;
  /** `RUN` lines with the directory of each. */
  runs: { directory: string; line: string }[];
  user: string | undefined;
  env: Record<string, string>;
  /** Exec forms. */
  entrypoint: string[];
  command: string[];
  health: string[];
}

/** Reads the stages of a Dockerfile whose programs are written as JSON lists. */
export function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  let directory = "/";
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    const words = wordsOf(instruction);
    if (keyword === "FROM") {
      stages.push({
        from: words[0]!,
        runs: [],
        user: undefined,
        env: {},
        entrypoint: [],
        command: [],
        health: [],
      });
      directory = "/";
    }
    const stage = stages.at(-1)!;
    if (keyword === "WORKDIR") directory = words[0]!;
    if (keyword === "RUN") stage.runs.push({ directory, line: words.join(" ") });
    if (keyword === "USER") stage.user = words[0]!;
    if (keyword === "ENV") Object.assign(stage.env, Object.fromEntries(words.map((word) => word.split("="))));
    if (keyword === "ENTRYPOINT") stage.entrypoint = listOf(instruction);
    if (keyword === "CMD") stage.command = listOf(instruction);
    if (keyword === "HEALTHCHECK") stage.health = listOf(instruction);
  }
  return stages;
}

function wordsOf(instruction: Instruction): string[] {
  return instruction.getArguments().map((word) => word.getValue());
}

/** The JSON list at the end; a backslash joins lines. */
function listOf(instruction: Instruction): string[] {
  const text = instruction.getTextContent().replace(/\\\r?\n/g, "");
  return JSON.parse(text.slice(text.indexOf("["))) as string[];
}
