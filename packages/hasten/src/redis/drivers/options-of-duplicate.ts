/** Options that a class of node-redis keeps private: what its `duplicate` hands to the constructor. */
export function optionsOfDuplicate(client: { duplicate(): unknown }): unknown {
  let options: unknown;
  const prototype = Object.create(Object.getPrototypeOf(client) as object) as object;
  Object.defineProperty(prototype, "constructor", {
    value: function capture(given: unknown): void {
      options = given;
    },
  });
  const asked = Object.create(prototype, {
    _self: { value: (client as { _self?: object })._self ?? client },
  }) as { duplicate(): unknown };
  asked.duplicate();
  return options;
}
