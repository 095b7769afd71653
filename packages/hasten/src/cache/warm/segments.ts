/** What a key was made of, as text: `user:7` gives `["7"]`. The escapes of `defineKey` undone. */
export function segmentsOf(key: string): readonly string[] {
  return key.split(":").slice(1).map(unescapeSegment);
}

function unescapeSegment(segment: string): string {
  return segment.replace(/%(25|3A|u[0-9a-f]{4})/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code.startsWith("u") ? code.slice(1) : code, 16)),
  );
}
