/** Which of a cluster's 16,384 slots holds a key: CRC16 (XMODEM) of its hash tag, or of all of it. */
const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

export function slotOf(key: string): number {
  const bytes = Buffer.from(key, "utf8");
  const open = bytes.indexOf("{");
  const close = open === -1 ? -1 : bytes.indexOf("}", open + 1);
  return crc16(close > open + 1 ? bytes.subarray(open + 1, close) : bytes) % SLOTS;
}

function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : ((crc << 1) ^ POLYNOMIAL) & 0xffff;
    }
    crc &= 0xffff;
  }
  return crc;
}
