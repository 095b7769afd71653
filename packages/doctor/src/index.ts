export { DOCTOR_CODES, type DoctorCode, DoctorError } from "./errors.ts";
