import { expect, test } from "vitest";
import { laterPosition, NO_POSITION } from "./position.ts";

test("the later of two places; what is no place is before all", () => {
  expect(laterPosition("0/FF", "0/100")).toBe("0/100");
  expect(laterPosition("1/0", "0/FFFFFFFF")).toBe("1/0");
  expect(laterPosition("A/1", "9/FFFFFFFF")).toBe("A/1");
  expect(laterPosition("0/1", "nonsense")).toBe("0/1");
  expect(laterPosition("0/12345678901", "0/1")).toBe("0/1");
  expect(laterPosition(NO_POSITION, NO_POSITION)).toBe(NO_POSITION);
});
