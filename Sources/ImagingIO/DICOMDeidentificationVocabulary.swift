/// Words that may stay in descriptions of studies, series and protocols.
///
/// Anatomy, technique, planes, units. A description with any other word is removed as a whole.
package enum DICOMDeidentificationVocabulary {
  private static let words: Set<Substring> = Set(
    """
    abdomen abd adc angio ankle aorta arterial arteries artery axial ax asl b0 b50 b100 b400 b500 b600
    b800 b1000 b1400 blade bold bone brain breast bravo calf cardiac carotid carotids cerebral cervical
    chest cine ciss cone contrast cor coronal coronary cspine ct cta cube delayed diffusion dixon dti dual
    dwi dynamic early echo elbow energy enhanced ep2d epi epigastric fast fat fbp femur fgre fiesta
    filtered fisp flair flash foot fov fs fse gad gd grase gre hand haste hd head heart hip hr iac in inner
    ir iterative jaw kidney kidneys knee late ldct lft left liver loc localiser localizer low lspine lt
    lumbar lung lungs map max mediastinum medium min mip mm mp2rage mpr mprage mr mra mri mrv ms multi
    native neck nect nac non opposed orbit orbits out pancreas parenchyma pd pelvis perfusion pet phase
    pituitary plain portal post ppm pre prone proton prostate pwi ratio recon rectum rft right rt sag
    sagittal scan scout se sense sequence sft shoulder sinus sinuses skull slab slice slices soft space
    spair spc spgr spin spine spiral spleen spoiled standard std stir stomach supine survey sub swi t1
    t1w t2 t2w tse tfe tfl thick thigh thin thoracic thorax tibia time tirm tissue tof topo topogram
    trace tra transversal transverse trufi tspine unenhanced uterus vascular vein veins venous vibe
    volume water wb weighted whole body window with without wo w wrist x y z 2d 3d 4d and of the to st
    ac attenuation corrected fdg f18 ct/pet
    """.split { $0 == " " || $0 == "\n" }
  )

  /// Whether every word of a text is known; numbers of up to three digits are words.
  package static func covers(_ text: String) -> Bool {
    let parts = text.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
    return text.allSatisfy(\.isASCII)
      && parts.allSatisfy { words.contains($0) || ($0.count <= 3 && $0.allSatisfy(\.isNumber)) }
  }
}
