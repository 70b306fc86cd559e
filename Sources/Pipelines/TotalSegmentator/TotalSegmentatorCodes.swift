import Imaging

/// SNOMED CT codes and colours of structures, as TotalSegmentator's DICOM output has them.
///
/// Its version 2.18 (`totalsegmentator_snomed_mapping.csv`). Which side a structure is on stands in
/// its name only.
enum TotalSegmentatorCodes {
  /// The code of a structure, or nil.
  static func code(of structure: String) -> CodedConcept? {
    guard let code = entries[structure]?.code, let meaning = meanings[code] else { return nil }
    return CodedConcept(value: code, scheme: "SCT", meaning: meaning)
  }

  /// The colour of a structure, or nil.
  static func color(of structure: String) -> LabelColor? { entries[structure]?.color }

  private struct Entry: Sendable {
    var code: String
    var color: LabelColor
  }

  /// Name, code, red, green and blue of each line.
  private static let entries: [String: Entry] = {
    var entries: [String: Entry] = [:]
    for line in table.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      let levels = words.dropFirst(2).compactMap { UInt8($0) }
      guard words.count == 5, levels.count == 3 else { continue }
      entries[String(words[0])] = Entry(
        code: String(words[1]),
        color: LabelColor(red: levels[0], green: levels[1], blue: levels[2])
      )
    }
    return entries
  }()

  /// Code and meaning of each line.
  private static let meanings: [String: String] = {
    var meanings: [String: String] = [:]
    for line in meaningTable.split(whereSeparator: \.isNewline) {
      guard let space = line.firstIndex(of: " ") else { continue }
      meanings[String(line[..<space])] = String(line[line.index(after: space)...])
    }
    return meanings
  }()

  private static let table = """
    adrenal_gland_left 23451007 241 172 34
    adrenal_gland_right 23451007 178 128 26
    aorta 15825003 216 108 54
    autochthon_left 244849004 241 126 57
    autochthon_right 244849004 178 94 42
    brain 12738006 216 54 149
    clavicula_left 51299004 255 236 201
    clavicula_right 51299004 191 174 149
    colon 71854001 150 40 170
    duodenum 38848004 170 80 190
    esophagus 32849002 190 90 170
    face 89545001 192 216 54
    femur_left 71341001 248 212 62
    femur_right 71341001 46 184 60
    gallbladder 28231008 54 216 119
    gluteus_maximus_left 181674001 253 115 34
    gluteus_maximus_right 181674001 187 85 26
    gluteus_medius_left 78333006 255 126 46
    gluteus_medius_right 78333006 196 94 34
    gluteus_minimus_left 75297007 255 138 57
    gluteus_minimus_right 75297007 204 102 42
    heart_atrium_left 82471001 184 0 69
    heart_atrium_right 73829009 136 0 51
    heart_myocardium 74281007 200 0 20
    heart_ventricle_left 87878005 161 0 92
    heart_ventricle_right 53085002 119 0 68
    hip_left 29836001 230 248 62
    hip_right 29836001 184 46 184
    humerus_left 85050009 71 62 248
    humerus_right 85050009 115 46 184
    iliac_artery_left 73634005 218 0 0
    iliac_artery_right 73634005 162 0 0
    iliac_vena_left 46027005 0 92 230
    iliac_vena_right 46027005 0 68 170
    iliopsoas_left 68455001 230 115 46
    iliopsoas_right 68455001 170 85 34
    inferior_vena_cava 64131007 0 70 200
    kidney_left 64033007 46 138 184
    kidney_right 64033007 34 102 136
    liver 10200004 40 140 40
    lung_lower_lobe_left 90572001 34 195 207
    lung_lower_lobe_right 90572001 26 144 153
    lung_middle_lobe_right 72481006 63 181 190
    lung_upper_lobe_left 45653009 71 232 244
    lung_upper_lobe_right 45653009 100 218 227
    pancreas 15776009 60 150 80
    portal_vein_and_splenic_vein 110765007 0 90 220
    pulmonary_artery 81040000 180 0 0
    rib_left_1 48535007 214 54 216
    rib_left_2 78247007 181 54 216
    rib_left_3 25888004 216 54 162
    rib_left_4 25523003 54 121 216
    rib_left_5 15339008 54 216 146
    rib_left_6 59558009 121 216 54
    rib_left_7 24915002 149 54 216
    rib_left_8 5953002 216 81 54
    rib_left_9 22565002 216 54 167
    rib_left_10 77644006 54 146 216
    rib_left_11 58830002 158 253 91
    rib_left_12 43993008 216 54 86
    rib_right_1 48535007 91 158 253
    rib_right_2 78247007 211 216 54
    rib_right_3 25888004 216 54 59
    rib_right_4 25523003 216 54 67
    rib_right_5 15339008 157 216 54
    rib_right_6 59558009 216 54 189
    rib_right_7 24915002 216 54 132
    rib_right_8 5953002 216 203 54
    rib_right_9 22565002 216 197 54
    rib_right_10 77644006 216 159 54
    rib_right_11 58830002 54 135 216
    rib_right_12 43993008 181 216 54
    sacrum 54735007 100 216 54
    scapula_left 79601000 253 230 195
    scapula_right 79601000 187 170 144
    small_bowel 30315005 160 60 180
    spleen 78961009 50 170 60
    stomach 69695003 180 70 160
    trachea 44567001 0 180 200
    urinary_bladder 89837001 54 94 216
    vertebrae_S1 65985001 205 180 145
    vertebrae_C1 14806007 242 217 182
    vertebrae_C2 39976000 23 254 219
    vertebrae_C3 113205007 60 35 0
    vertebrae_C4 5329002 97 72 37
    vertebrae_C5 36978003 134 109 74
    vertebrae_C6 36054005 171 146 111
    vertebrae_C7 87391001 208 183 148
    vertebrae_L1 66794005 245 220 185
    vertebrae_L2 14293000 26 1 222
    vertebrae_L3 36470004 63 38 3
    vertebrae_L4 11994002 100 75 40
    vertebrae_L5 49668003 137 112 77
    vertebrae_T1 64864005 174 149 114
    vertebrae_T2 53733008 211 186 151
    vertebrae_T3 1626008 248 223 188
    vertebrae_T4 73071006 29 4 225
    vertebrae_T5 56401006 66 41 6
    vertebrae_T6 45296009 103 78 43
    vertebrae_T7 62487009 140 115 80
    vertebrae_T8 11068009 177 152 117
    vertebrae_T9 82687006 214 189 154
    vertebrae_T10 7610001 251 226 191
    vertebrae_T11 12989004 32 7 228
    vertebrae_T12 23215003 69 44 9
    heart 80891009 180 0 40
    pulmonary_vein 122972007 37 107 237
    brachiocephalic_trunk 12691009 190 10 10
    subclavian_artery_right 29700009 162 26 26
    subclavian_artery_left 29700009 218 34 34
    common_carotid_artery_right 32062004 170 17 17
    common_carotid_artery_left 32062004 230 23 23
    brachiocephalic_vein_left 8887007 0 92 241
    brachiocephalic_vein_right 8887007 0 68 178
    atrial_appendage_left 68786006 68 248 62
    superior_vena_cava 48345005 74 144 18
    kidney_cyst_left 367643001 83 175 221
    kidney_cyst_right 367643001 71 139 173
    prostate 41216001 91 253 156
    femur 71341001 216 54 56
    patella 64234005 229 253 91
    tibia 12611008 216 54 146
    fibula 87342007 54 216 67
    tarsal 108371006 195 216 54
    metatarsal 53884002 216 151 54
    phalanges_feet 28641004 54 200 216
    humerus 85050009 216 111 54
    ulna 23416004 178 54 216
    radius 62413002 162 216 54
    carpal 83936004 216 54 205
    metacarpal 36455000 216 54 216
    phalanges_hand 28641004 83 54 216
    sternum 56873002 215 195 165
    skull 89546000 245 225 200
    subcutaneous_fat 67769002 255 242 178
    skeletal_muscle 127954009 230 130 40
    torso_fat 55603005 250 235 160
    spinal_cord 2748008 255 215 0
    lung_covid_infiltrate 47351003 255 90 0
    intracerebral_hemorrhage 50960005 220 0 0
    hip_implant 40388003 120 120 120
    coronary_arteries 41801008 200 0 0
    thyroid_gland 69748006 250 210 60
    lung_vessels 59820001 0 150 190
    lung_trachea_bronchia 110726009 37 217 237
    body_trunc 22943007 216 54 178
    body_extremities 66019005 216 208 54
    vertebrae_body 3572006 190 160 130
    lung_pleural 3120008 40 200 210
    pleural_effusion 41699000 0 210 255
    pericardial_effusion 41699000 0 200 255
    liver_vessels 59820001 60 160 60
    liver_tumor 108369006 255 0 200
    costal_cartilages 50016007 250 220 190
    """

  private static let meaningTable = """
    23451007 Adrenal gland
    15825003 Aorta
    244849004 Deep muscle of back
    12738006 Brain
    51299004 Clavicle
    71854001 Colon
    38848004 Duodenum
    32849002 Esophagus
    89545001 Face
    71341001 Femur
    28231008 Gallbladder
    181674001 Gluteus maximus muscle
    78333006 Gluteus medius muscle
    75297007 Gluteus minius muscle
    82471001 Left atrium
    73829009 Right atrium
    74281007 Myocardium
    87878005 Left ventricle of heart
    53085002 Right ventricle of heart
    29836001 Hip
    85050009 Humerus
    73634005 Common iliac artery
    46027005 Common iliac vein
    68455001 Iliopsoas muscle
    64131007 Inferior vena cava
    64033007 Kidney
    10200004 Liver
    90572001 Lower lobe of lung
    72481006 Middle lobe of right lung
    45653009 Upper lobe of lung
    15776009 Pancreas
    110765007 Portal vein and splenic vein
    81040000 Pulmonary artery
    48535007 First rib
    78247007 Second rib
    25888004 Third rib
    25523003 Fourth rib
    15339008 Fifth rib
    59558009 Sixth rib
    24915002 Seventh rib
    5953002 Eighth rib
    22565002 Ninth rib
    77644006 Tenth rib
    58830002 Eleventh rib
    43993008 Twelfth rib
    54735007 Sacrum
    79601000 Scapula
    30315005 Small Intestine
    78961009 Spleen
    69695003 Stomach
    44567001 Trachea
    89837001 Urinary bladder
    65985001 S1 vertebra
    14806007 C1 vertebra
    39976000 C2 vertebra
    113205007 C3 vertebra
    5329002 C4 vertebra
    36978003 C5 vertebra
    36054005 C6 vertebra
    87391001 C7 vertebra
    66794005 L1 vertebra
    14293000 L2 vertebra
    36470004 L3 vertebra
    11994002 L4 vertebra
    49668003 L5 vertebra
    64864005 T1 vertebra
    53733008 T2 vertebra
    1626008 T3 vertebra
    73071006 T4 vertebra
    56401006 T5 vertebra
    45296009 T6 vertebra
    62487009 T7 vertebra
    11068009 T8 vertebra
    82687006 T9 vertebra
    7610001 T10 vertebra
    12989004 T11 vertebra
    23215003 T12 vertebra
    80891009 Heart
    122972007 Pulmonary vein
    12691009 Brachiocephalic artery
    29700009 Subclavian artery
    32062004 Common carotid artery
    8887007 Brachiocephalic vein
    68786006 Auricular appendage
    48345005 Superior vena cava
    367643001 Cyst
    41216001 Prostate
    64234005 Patella
    12611008 Tibia
    87342007 Fibula
    108371006 Tarsal bones
    53884002 Metatarsal
    28641004 Phalanx structure
    23416004 Ulna
    62413002 Radius
    83936004 Carpus
    36455000 Metacarpal bones
    56873002 Sternum
    89546000 Skull
    67769002 Subcutaneous fatty tissue
    127954009 Skeletal muscle
    55603005 Fat
    2748008 Spinal cord
    47351003 Infiltrate
    50960005 Hemorrhage
    40388003 Implant
    41801008 Coronary artery
    69748006 Thyroid gland
    59820001 Blood vessel
    110726009 Trachea and bronchus
    22943007 Trunk
    66019005 Limb
    3572006 Vertebral body
    3120008 Pleural membrane
    41699000 Effusion
    108369006 Neoplasm
    50016007 Costal cartilage
    """
}
