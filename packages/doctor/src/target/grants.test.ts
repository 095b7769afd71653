import { expect, test } from "vitest";
import { missingGrants } from "./grants.ts";

test("only what is missing is asked for, the role's name quoted", () => {
  const blind = { relations: [{ kind: "table", readable: false }] };
  const sees = {
    relations: [
      { kind: "table", readable: true },
      { kind: "foreign", readable: false },
    ],
  };
  const rights = { role: 'a"b', superuser: false, statistics: false, data: false };
  expect(missingGrants({ rights }, blind)).toEqual([
    'GRANT pg_monitor TO "a""b";',
    'GRANT pg_read_all_data TO "a""b";',
  ]);
  expect(missingGrants({ rights }, sees)).toEqual(['GRANT pg_monitor TO "a""b";']);
  expect(missingGrants({ rights: { ...rights, statistics: true, data: true } }, blind)).toEqual([]);
  expect(missingGrants({ rights: { ...rights, superuser: true } }, blind)).toEqual([]);
});
