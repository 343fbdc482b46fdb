declare module "virtual:descriptors" {
  const base64: string;
  export default base64;
}
/** Pin given when the explorer was built; empty where none was. */
declare const __GENESIS_PIN__: string;
