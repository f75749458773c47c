import * as ts from 'typescript';

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
};

// The package's types have 281,000 lines: they are read once.
const files = new Map<string, ts.SourceFile | undefined>();

/** A program of one file that exists only here, with the types of the pinned packages around it. */
export function compile(entry: string, source: string): { program: ts.Program; file: ts.SourceFile } {
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  const file = ts.createSourceFile(entry, source, { languageVersion: ts.ScriptTarget.ES2023 });
  host.getSourceFile = (name, how) => {
    if (name === entry) return file;
    if (!files.has(name)) files.set(name, read(name, how));
    return files.get(name);
  };
  return { program: ts.createProgram([entry], options, host), file };
}
