import { expect, it } from 'vitest';
import { countLoops } from './loops.ts';

const assembly = `
BB0:
	s_load_b128 s[0:3], s[0:1], null            ; f4080000
BB1:
	ds_load_b128 v[0:3], v4                     ; dbfc0000
	s_waitcnt lgkmcnt(0)                        ; bf89fc07
BB2:
	ds_load_2addr_b32 v[5:6], v4 offset1:8      ; d8dc0800
	v_fmac_f32_e32 v7, v0, v5                   ; 560e0b00
	v_dual_fmac_f32 v8, v1, v6 :: v_dual_fmac_f32 v9, v2, v6 ; c80000
	s_delay_alu instid0(VALU_DEP_1)             ; bf870001
	s_cbranch_execz BB3                         ; bfa50001
	v_pk_fma_f16 v10, v0, v1, v10               ; cc0e000a
BB3:
	s_cbranch_scc0 BB2                          ; bfa1fff8
BB4:
	s_branch BB1                                ; bfa0fff0
BB5:
	s_endpgm                                    ; bfb00000
`;

it('counts one round of the outer loop and of the innermost one', () => {
  expect(countLoops(assembly)).toEqual({
    outer: { issued: 9, multiplyAdds: 5, ldsBytes: 24, branches: 3 },
    inner: { issued: 6, multiplyAdds: 5, ldsBytes: 8, branches: 2 },
    innermostBranches: 1,
  });
});

it('counts all code of a kernel without a loop', () => {
  const { outer, innermostBranches } = countLoops('BB0:\n\tv_fma_f32 v0, v1, v2, v3 ; cc\n\ts_endpgm ; bf\n');
  expect(outer).toEqual({ issued: 2, multiplyAdds: 1, ldsBytes: 0, branches: 0 });
  expect(innermostBranches).toBe(0);
});
