extension TotalSegmentatorTask {
  /// Every task of TotalSegmentator 2.18 (`map_tasks_config.py`) whose result is a label map of one
  /// run: without refinement by a further model ("vertebrae_pp_refined") and tests.
  package static let all = wholeBody + regions

  private static let wholeBody: [TotalSegmentatorTask] = [
    TotalSegmentatorTask(
      name: "total",
      structures: .total,
      parts: [
        Part("Dataset291_TotalSegmentator_part1_organs", .totalOrgans),
        Part("Dataset292_TotalSegmentator_part2_vertebrae", .totalVertebrae),
        Part("Dataset293_TotalSegmentator_part3_cardiac", .totalCardiac),
        Part("Dataset294_TotalSegmentator_part4_muscles", .totalMuscles),
        Part("Dataset295_TotalSegmentator_part5_ribs", .totalRibs),
      ],
      spacing: [1.5, 1.5, 1.5],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total",
      mode: .fast,
      structures: .total,
      parts: [Part("Dataset297_TotalSegmentator_total_3mm", .total)],
      spacing: [3, 3, 3],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total",
      mode: .fastest,
      structures: .total,
      parts: [Part("Dataset298_TotalSegmentator_total_6mm", .total)],
      spacing: [6, 6, 6],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total_v3",
      structures: .totalV3,
      parts: [
        Part("Dataset831_TotalSegmentator_part1_organs", .totalOrgans),
        Part("Dataset832_TotalSegmentator_part2_vertebrae", .totalVertebraeV3),
        Part("Dataset833_TotalSegmentator_part3_cardiac", .totalCardiac),
        Part("Dataset834_TotalSegmentator_part4_muscles", .totalMuscles),
        Part("Dataset835_TotalSegmentator_part5_ribs", .totalRibs),
      ],
      spacing: [1.5, 1.5, 1.5],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total_v3",
      mode: .fast,
      structures: .totalV3,
      parts: [Part("Dataset836_TotalSegmentator_total_3mm", .totalV3)],
      spacing: [3, 3, 3],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total_v3",
      mode: .fastest,
      structures: .totalV3,
      parts: [Part("Dataset837_TotalSegmentator_total_6mm", .totalV3)],
      spacing: [6, 6, 6],
      step: 0.8
    ),
    TotalSegmentatorTask(
      name: "total_mr",
      structures: .totalMR,
      parts: [
        Part("Dataset850_TotalSegMRI_part1_organs", .totalMROrgans),
        Part("Dataset851_TotalSegMRI_part2_muscles", .totalMRMuscles),
      ],
      spacing: [1.5, 1.5, 1.5],
      step: 0.8,
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "total_mr",
      mode: .fast,
      structures: .totalMR,
      parts: [Part("Dataset852_TotalSegMRI_total_3mm", .totalMR)],
      spacing: [3, 3, 3],
      step: 0.8,
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "total_mr",
      mode: .fastest,
      structures: .totalMR,
      parts: [Part("Dataset853_TotalSegMRI_total_6mm", .totalMR)],
      spacing: [6, 6, 6],
      step: 0.8,
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "body",
      structures: .body,
      parts: [Part("Dataset299_body", .body)],
      spacing: [1.5, 1.5, 1.5],
      cleaning: .body
    ),
    TotalSegmentatorTask(
      name: "body",
      mode: .fast,
      structures: .body,
      parts: [Part("Dataset300_body_6mm", .body)],
      spacing: [6, 6, 6],
      cleaning: .body
    ),
    TotalSegmentatorTask(
      name: "body_mr",
      structures: .body,
      parts: [Part("Dataset597_mri_body", .body)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "body_mr",
      mode: .fast,
      structures: .body,
      parts: [Part("Dataset598_mri_body_6mm", .body)],
      spacing: [6, 6, 6],
      modality: .mr
    ),
  ]

  private static let regions: [TotalSegmentatorTask] = [
    TotalSegmentatorTask(
      name: "lung_vessels",
      structures: .lungVessels,
      parts: [Part("Dataset117_lung_airways_arteries_veins", .lungVessels)],
      spacing: [0.703125, 0.703125, 1],
      crop: Crop(.total3mm, lungLobes)
    ),
    TotalSegmentatorTask(
      name: "lung_vessels_LEGACY",
      structures: .lungVesselsLegacy,
      parts: [Part("Dataset258_lung_vessels", .lungVesselsLegacy)],
      crop: Crop(.total6mm, lungLobes)
    ),
    TotalSegmentatorTask(
      name: "cerebral_bleed",
      structures: .cerebralBleed,
      parts: [Part("Dataset150_icb_v0", .cerebralBleed)],
      crop: Crop(.total6mm, ["brain"])
    ),
    TotalSegmentatorTask(
      name: "hip_implant",
      structures: .hipImplant,
      parts: [Part("Dataset260_hip_implant", .hipImplant)],
      crop: Crop(.total6mm, ["femur_left", "femur_right", "hip_left", "hip_right"])
    ),
    TotalSegmentatorTask(
      name: "vertebrae_mr",
      structures: .vertebraeMr,
      parts: [Part("Dataset756_mri_vertebrae", .vertebraeMr)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "pleural_pericard_effusion",
      structures: .pleuralPericardEffusion,
      parts: [Part("Dataset315_thoraxCT", .pleuralPericardEffusion)],
      folds: nil,
      crop: Crop(.total6mm, lungLobes)
    ),
    TotalSegmentatorTask(
      name: "liver_vessels",
      structures: .liverVessels,
      parts: [Part("Dataset008_HepaticVessel", .liverVessels)],
      crop: Crop(.total6mm, ["liver"])
    ),
    TotalSegmentatorTask(
      name: "head_glands_cavities",
      structures: .headGlandsCavities,
      parts: [Part("Dataset775_head_glands_cavities", .headGlandsCavities)],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.total6mm, ["skull"])
    ),
    TotalSegmentatorTask(
      name: "headneck_bones_vessels",
      structures: .headneckBonesVessels,
      parts: [Part("Dataset776_headneck_bones_vessels", .headneckBonesVessels)],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.total6mm, neck)
    ),
    TotalSegmentatorTask(
      name: "head_muscles",
      structures: .headMuscles,
      parts: [Part("Dataset777_head_muscles", .headMuscles)],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.total6mm, ["skull"])
    ),
    TotalSegmentatorTask(
      name: "headneck_muscles",
      structures: .headneckMuscles,
      parts: [
        Part("Dataset778_headneck_muscles_part1", .headneckMusclesPart1),
        Part("Dataset779_headneck_muscles_part2", .headneckMusclesPart2),
      ],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.total6mm, neck)
    ),
    TotalSegmentatorTask(
      name: "oculomotor_muscles",
      structures: .oculomotorMuscles,
      parts: [Part("Dataset351_oculomotor_muscles", .oculomotorMuscles)],
      spacing: [0.47251562774181366, 0.47251562774181366, 0.8500002026557922],
      crop: Crop(.total6mm, ["skull"])
    ),
    TotalSegmentatorTask(
      name: "lung_nodules",
      structures: .lungNodules,
      parts: [Part("Dataset913_lung_nodules", .lungNodules)],
      spacing: [1.5, 1.5, 1.5],
      crop: Crop(.total6mm, lungLobes)
    ),
    TotalSegmentatorTask(
      name: "kidney_cysts",
      structures: .kidneyCysts,
      parts: [Part("Dataset789_kidney_cyst", .kidneyCysts)],
      spacing: [1.5, 1.5, 1.5],
      crop: Crop(.total6mm, ["kidney_left", "kidney_right", "liver", "spleen", "colon"]),
      auxiliary: 3...4
    ),
    TotalSegmentatorTask(
      name: "breasts",
      structures: .breasts,
      parts: [Part("Dataset527_breasts", .breasts)],
      spacing: [1.5, 1.5, 1.5]
    ),
    TotalSegmentatorTask(
      name: "ventricle_parts",
      structures: .ventricleParts,
      parts: [Part("Dataset552_ventricle_parts", .ventricleParts)],
      spacing: [0.4384765625, 0.4345703125, 1],
      crop: Crop(.total6mm, ["brain"])
    ),
    TotalSegmentatorTask(
      name: "liver_segments",
      structures: .liverSegments,
      parts: [Part("Dataset570_ct_liver_segments", .liverSegments)],
      spacing: [0.8046879768371582, 0.8046879768371582, 1.5],
      crop: Crop(.total6mm, ["liver"])
    ),
    TotalSegmentatorTask(
      name: "liver_segments_mr",
      structures: .liverSegments,
      parts: [Part("Dataset576_mri_liver_segments", .liverSegments)],
      spacing: [1.1250001788139343, 1.1875, 3],
      modality: .mr,
      crop: Crop(.totalMR3mm, ["liver"])
    ),
    TotalSegmentatorTask(
      name: "liver_lesions",
      structures: .liverLesions,
      parts: [Part("Dataset591_ct_liver_lesions", .liverLesions)],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.total3mm, ["liver"])
    ),
    TotalSegmentatorTask(
      name: "liver_lesions_mr",
      structures: .liverLesions,
      parts: [Part("Dataset589_ct_mri_liver_lesions", .liverLesions)],
      spacing: [0.8603515625, 0.857421875, 1],
      modality: .mr,
      crop: Crop(.totalMR3mm, ["liver"])
    ),
    TotalSegmentatorTask(
      name: "craniofacial_structures",
      structures: .craniofacialStructures,
      parts: [Part("Dataset115_mandible", .craniofacialStructures)],
      spacing: [0.5, 0.5, 0.5],
      crop: Crop(.total6mm, ["skull"])
    ),
    TotalSegmentatorTask(
      name: "abdominal_muscles",
      structures: .abdominalMuscles,
      parts: [Part("Dataset952_abdominal_muscles", .abdominalMuscles)],
      spacing: [0.75, 0.75, 1],
      crop: Crop(.body, ["body_trunc"])
    ),
    TotalSegmentatorTask(
      name: "teeth",
      structures: .teeth,
      parts: [Part("Dataset113_ToothFairy3", .teeth)],
      spacing: [0.5, 0.5, 0.5],
      crop: Crop(.craniofacial, ["teeth_lower", "teeth_upper"], marginMM: 10)
    ),
    TotalSegmentatorTask(
      name: "trunk_cavities",
      structures: .trunkCavities,
      parts: [Part("Dataset343_mediastinum", .trunkCavities)],
      spacing: [1.5, 1.5, 1.5]
    ),
    TotalSegmentatorTask(
      name: "brain_aneurysm",
      structures: .brainAneurysm,
      parts: [Part("Dataset615_MAXIMUS", .brainAneurysm)],
      spacing: [0.390625, 0.390625, 0.5000016391277313],
      folds: nil,
      modality: .mr
    ),
    TotalSegmentatorTask(
      name: "vertebrae_body",
      structures: .vertebraeBody,
      parts: [Part("Dataset305_vertebrae_discs", .vertebraeBody)],
      spacing: [1.5, 1.5, 1.5]
    ),
    TotalSegmentatorTask(
      name: "vertebrae_pp",
      structures: .vertebraePp,
      parts: [Part("Dataset803_TotalSegmentator_vertebrae_inner", .vertebraePp)],
      spacing: [1.5, 1.5, 1.5],
      cleaning: .vertebrae
    ),
    TotalSegmentatorTask(
      name: "heartchambers_highres",
      structures: .heartchambersHighres,
      parts: [Part("Dataset301_heart_highres", .heartchambersHighres)],
      crop: Crop(.total3mm, ["heart"]),
      outside: Outside(["heart", "aorta", "inferior_vena_cava"], withinMM: 10),
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "appendicular_bones",
      structures: .appendicularBones,
      parts: [Part("Dataset304_appendicular_bones_ext", .appendicularBones)],
      spacing: [1.5, 1.5, 1.5],
      auxiliary: 12...15,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "appendicular_bones_mr",
      structures: .appendicularBonesMr,
      parts: [Part("Dataset855_TotalSegMRI_appendicular_bones", .appendicularBonesMr)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "tissue_types",
      structures: .tissueTypes,
      parts: [Part("Dataset481_tissue", .tissueTypes)],
      spacing: [1.5, 1.5, 1.5],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "tissue_types_mr",
      structures: .tissueTypes,
      parts: [Part("Dataset925_MRI_tissue_subset", .tissueTypes)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "tissue_4_types",
      structures: .tissue4Types,
      parts: [Part("Dataset485_tissue_4types", .tissue4Types)],
      spacing: [1.5, 1.5, 1.5],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "face",
      structures: .face,
      parts: [Part("Dataset303_face", .face)],
      spacing: [1.5, 1.5, 1.5],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "face_mr",
      structures: .face,
      parts: [Part("Dataset856_TotalSegMRI_face", .face)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr,
      auxiliary: 2...3,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "brain_structures",
      structures: .brainStructures,
      parts: [Part("Dataset409_neuro", .brainStructures)],
      spacing: [0.5, 0.5, 1],
      crop: Crop(.total6mm, ["brain"]),
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "thigh_shoulder_muscles",
      structures: .thighShoulderMuscles,
      parts: [Part("Dataset857_TotalSegMRI_thigh_shoulder", .thighShoulderMuscles)],
      spacing: [1.5, 1.5, 1.5],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "thigh_shoulder_muscles_mr",
      structures: .thighShoulderMuscles,
      parts: [Part("Dataset857_TotalSegMRI_thigh_shoulder", .thighShoulderMuscles)],
      spacing: [1.5, 1.5, 1.5],
      modality: .mr,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "coronary_arteries",
      structures: .coronaryArteries,
      parts: [Part("Dataset509_coronary_arteries_cm_nativ_400subj_SKELETON", .coronaryArteries)],
      spacing: [0.7, 0.7, 0.7],
      crop: Crop(.total6mm, ["heart"]),
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "coronary_arteries_LEGACY",
      structures: .coronaryArteries,
      parts: [Part("Dataset507_coronary_arteries_cm_nativ", .coronaryArteries)],
      spacing: [0.7, 0.7, 0.7],
      crop: Crop(.total6mm, ["heart"]),
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "aortic_sinuses",
      structures: .aorticSinuses,
      parts: [Part("Dataset920_aortic_sinuses_cm_nativ", .aorticSinuses)],
      spacing: [0.7, 0.7, 0.7],
      crop: Crop(.total6mm, ["heart"]),
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "renal_arteries",
      structures: .renalArteries,
      parts: [Part("Dataset710_renal_arteries", .renalArteries)],
      spacing: [1.5, 1.5, 1.5],
      auxiliary: 4...4,
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "aorta_annulus",
      structures: .aortaAnnulus,
      parts: [Part("Dataset713_annulus_proper", .aortaAnnulus)],
      spacing: [0.8, 0.8, 0.8],
      folds: [0, 1, 2, 3, 4],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "aortic_dissection",
      structures: .aorticDissection,
      parts: [Part("Dataset716_aorta_true_false_lumen", .aorticDissection)],
      spacing: [0.8, 0.8, 0.8],
      folds: [0, 1, 2, 3, 4],
      needsLicence: true
    ),
    TotalSegmentatorTask(
      name: "pulmonary_artery_landmarks",
      structures: .pulmonaryArteryLandmarks,
      parts: [Part("Dataset514_annulus_pulmonary", .pulmonaryArteryLandmarks)],
      spacing: [0.7802734375, 0.7802734375, 1],
      folds: [0, 1, 2, 3, 4],
      needsLicence: true
    ),
  ]

  private static let lungLobes = [
    "lung_upper_lobe_left", "lung_lower_lobe_left", "lung_upper_lobe_right",
    "lung_middle_lobe_right", "lung_lower_lobe_right",
  ]
  private static let neck = [
    "clavicula_left", "clavicula_right", "vertebrae_C1", "vertebrae_C5", "vertebrae_T1",
    "vertebrae_T4",
  ]
}
