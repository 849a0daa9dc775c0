/** The views of the page, in the order of the work. */
export const viewIds = ['home', 'model', 'data', 'recipe', 'train', 'chat', 'export'] as const;
export type ViewId = (typeof viewIds)[number];

export interface ViewSlice {
  /** The view that is shown; the others keep what was typed into them. */
  view: ViewId;
  showView(view: ViewId): void;
}
